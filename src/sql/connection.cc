#include "sql/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "sql/libpq.h"

namespace dbm::sql {
namespace {

PGconn* pg(const std::unique_ptr<void, auto>& connection) {
  return static_cast<PGconn*>(connection.get());
}

using Taken = std::unique_ptr<PGresult, decltype([](PGresult* r) { pq().clear(r); })>;

std::string field(const PGresult* result, int code) {
  const char* text = pq().resultErrorField(result, code);
  return text != nullptr ? text : "";
}

Failure failure_of(const PGresult* result) {
  return {field(result, PG_DIAG_MESSAGE_PRIMARY), field(result, PG_DIAG_SQLSTATE),
          field(result, PG_DIAG_MESSAGE_HINT)};
}

Failure lost(PGconn* connection) {
  std::string why = one_line(pq().errorMessage(connection));
  return {"the connection was lost" + (why.empty() ? why : ": " + why), {}, {}};
}

/// Waits until the socket is readable (or writable, when asked for).
bool wait_for(PGconn* connection, bool writing) {
  pollfd fd{pq().socket(connection), static_cast<short>(POLLIN | (writing ? POLLOUT : 0)), 0};
  while (poll(&fd, 1, -1) < 0)
    if (errno != EINTR) return false;
  return true;
}

std::string quoted(char* text) {
  // Two quotes with nothing between them are an error to the server wherever they stand.
  std::string out = text != nullptr ? text : "\"\"";
  pq().freemem(text);
  return out;
}

}  // namespace

/// Statements on their way: sends, and takes the answers as they come, so that neither side waits
/// for the other with full buffers.
class Connection::Stream {
 public:
  Stream(Connection& owner, std::span<const Statement> statements, bool sync_each)
      : connection_(pg(owner.connection_)), statements_(statements), sync_each_(sync_each) {}

  std::vector<Answer> run() {
    answers_.reserve(statements_.size());
    if (statements_.empty()) return {};
    bool open = pq().setnonblocking(connection_, 1) == 0 && pq().enterPipelineMode(connection_) == 1;
    while (open && !finished()) open = send() && receive();
    pq().exitPipelineMode(connection_);
    pq().setnonblocking(connection_, 0);
    while (answers_.size() < statements_.size() && !stopped_)
      answers_.emplace_back(lost(connection_));
    return std::move(answers_);
  }

 private:
  // More of them in flight gain nothing, and their answers would have to be kept by libpq.
  static constexpr size_t kWindow = 512;

  bool finished() const { return synced_ == (sync_each_ ? statements_.size() : 1); }

  bool send() {
    while (sent_ < statements_.size() && (!sync_each_ || sent_ < synced_ + kWindow)) {
      const Statement& statement = statements_[sent_++];
      std::vector<const char*> values;
      for (const auto& parameter : statement.parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
      if (pq().sendQueryParams(connection_, statement.text.c_str(), static_cast<int>(values.size()),
                            nullptr, values.data(), nullptr, nullptr, 0) != 1)
        return false;
      if ((sync_each_ || sent_ == statements_.size()) && pq().pipelineSync(connection_) != 1)
        return false;
    }
    return true;
  }

  bool receive() {
    const int unsent = pq().flush(connection_);
    if (unsent < 0 || !wait_for(connection_, unsent > 0) || pq().consumeInput(connection_) != 1) {
      while (!finished() && pq().isBusy(connection_) == 0 && take()) {
      }
      return false;
    }
    while (!finished() && pq().isBusy(connection_) == 0)
      if (!take()) return false;
    return true;
  }

  /// The next result; false when the connection is gone.
  bool take() {
    Taken result(pq().getResult(connection_));
    if (result == nullptr) return pq().status(connection_) == CONNECTION_OK;  // between two answers
    switch (pq().resultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        ++synced_;
        return true;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        answers_.emplace_back(Connection::rows(result.release()));
        return true;
      case PGRES_PIPELINE_ABORTED:
        return true;  // an earlier one of the same transaction has failed
      default:
        if (field(result.get(), PG_DIAG_SQLSTATE).empty()) return false;
        // One that comes after the statement's own answer is of its commit.
        if (sync_each_ && answers_.size() > synced_) answers_.pop_back();
        answers_.emplace_back(failure_of(result.get()));
        if (!sync_each_) stopped_ = true;
        return pq().status(connection_) == CONNECTION_OK;
    }
  }

  PGconn* connection_;
  std::span<const Statement> statements_;
  const bool sync_each_;
  size_t sent_ = 0, synced_ = 0;
  bool stopped_ = false;  // a transaction has failed: there is nothing to say about the rest
  std::vector<Answer> answers_;
};

std::string_view Rows::at(size_t row, size_t column) const {
  const auto* result = static_cast<const PGresult*>(result_.get());
  const int r = static_cast<int>(row), c = static_cast<int>(column);
  if (pq().getisnull(result, r, c) != 0) return {};
  return {pq().getvalue(result, r, c), static_cast<size_t>(pq().getlength(result, r, c))};
}

bool Rows::is_null(size_t row, size_t column) const { return at(row, column).data() == nullptr; }

int64_t Rows::integer(size_t row, size_t column) const {
  const std::string_view text = at(row, column);
  int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

void Rows::Clear::operator()(void* result) const { pq().clear(static_cast<PGresult*>(result)); }

Rows Connection::rows(void* result) {
  Rows out;
  out.result_.reset(result);
  auto* r = static_cast<PGresult*>(result);
  out.rows_ = static_cast<size_t>(pq().ntuples(r));
  out.columns_ = static_cast<size_t>(pq().nfields(r));
  const std::string_view count = pq().cmdTuples(r);
  std::from_chars(count.data(), count.data() + count.size(), out.affected_);
  return out;
}

void Connection::Finish::operator()(void* connection) const {
  pq().finish(static_cast<PGconn*>(connection));
}

std::variant<Connection, Failure> Connection::open(const Target& target) {
  auto connected = connect(target);
  if (auto* failure = std::get_if<Failure>(&connected)) return std::move(*failure);
  return Connection(std::get<PGconn*>(connected));
}

Answer Connection::run(const Statement& statement) {
  PGconn* connection = pg(connection_);
  std::vector<const char*> values;
  for (const auto& parameter : statement.parameters)
    values.push_back(parameter ? parameter->c_str() : nullptr);
  return answer_of(pq().execParams(connection, statement.text.c_str(), static_cast<int>(values.size()), nullptr,
                                   values.data(), nullptr, nullptr, 0));
}

Answer Connection::run_script(const std::string& text) {
  return answer_of(pq().exec(pg(connection_), text.c_str()));
}

/// Takes over a PGresult.
Answer Connection::answer_of(void* taken) {
  Taken result(static_cast<PGresult*>(taken));
  switch (pq().resultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return rows(result.release());
    default:
      if (result == nullptr || field(result.get(), PG_DIAG_SQLSTATE).empty())
        return lost(pg(connection_));
      return failure_of(result.get());
  }
}

std::vector<Answer> Connection::run_all(std::span<const Statement> statements) {
  return Stream(*this, statements, true).run();
}

std::vector<Answer> Connection::run_together(std::span<const Statement> statements) {
  std::vector<Statement> all;
  all.reserve(statements.size() + 2);
  all.push_back({"BEGIN"});
  all.insert(all.end(), statements.begin(), statements.end());
  all.push_back({"COMMIT"});
  std::vector<Answer> answers = Stream(*this, all, false).run();
  const auto failed = std::ranges::find_if(answers, [](const Answer& a) { return !a.ok(); });
  if (failed == answers.end()) {
    answers.pop_back();
    answers.erase(answers.begin());
    return answers;
  }
  if (is_open() && pq().transactionStatus(pg(connection_)) != PQTRANS_IDLE) run("ROLLBACK");
  answers.erase(failed + 1, answers.end());
  if (answers.size() > 1) answers.erase(answers.begin());  // else BEGIN itself has failed
  return answers;
}

int Connection::server_version() const { return pq().serverVersion(pg(connection_)); }
bool Connection::is_open() const { return pq().status(pg(connection_)) == CONNECTION_OK; }

std::string Connection::identifier(std::string_view name) const {
  if (name.find('\0') != name.npos) return quoted(nullptr);
  return quoted(pq().escapeIdentifier(pg(connection_), name.data(), name.size()));
}

std::string Connection::literal(std::string_view text) const {
  if (text.find('\0') != text.npos) return quoted(nullptr);
  return quoted(pq().escapeLiteral(pg(connection_), text.data(), text.size()));
}

}  // namespace dbm::sql
