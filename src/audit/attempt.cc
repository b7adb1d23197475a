#include "audit/attempt.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "base/parallel.h"
#include "secrets/password.h"
#include "sql/libpq.h"

namespace dbm::audit {
namespace {

using Clock = std::chrono::steady_clock;
using Connecting = std::unique_ptr<PGconn, decltype([](PGconn* c) { sql::pq().finish(c); })>;

constexpr unsigned kMostThreads = 4;
constexpr int kMostTries = 5;  // where a server had no room

bool has_no_room(const sql::Failure& failure) {
  return failure.is("53300") || failure.is("53400") || failure.is("57P03");
}

/// sslmode "prefer" knocks twice, and the refusals stand one after the other: the one that came
/// furthest is the answer.
sql::Failure furthest(std::string_view text) {
  const auto rank = [](const sql::Failure& f) {
    if (f.sqlstate.empty()) return 0;
    if (f.is("28000")) return f.message.find("pg_hba.conf") != std::string::npos ? 1 : 2;
    return f.is("28P01") ? 3 : 4;
  };
  sql::Failure best = sql::parse_refusal(text);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (sql::Failure one = sql::parse_refusal(text.substr(0, end));
        !one.sqlstate.empty() && rank(one) > rank(best))
      best = std::move(one);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return best;
}

/// One more try of an attempt.
struct Turn {
  size_t number = 0;
  int tries = 0;
  std::string unsafe = {};  // why its password must not be used, empty: it may
};

/// What all threads share: which attempts are left.
class Queue {
 public:
  explicit Queue(size_t count) : count_(count) {}
  /// None when none is left.
  std::optional<Turn> next() {
    const std::lock_guard lock(mutex_);
    if (next_ < count_) return Turn{next_++};
    if (again_.empty()) return std::nullopt;
    Turn turn = std::move(again_.front());
    again_.pop_front();
    return turn;
  }
  void again(Turn turn) {
    const std::lock_guard lock(mutex_);
    again_.push_back(std::move(turn));
  }

 private:
  std::mutex mutex_;
  size_t next_ = 0;
  const size_t count_;
  std::deque<Turn> again_;
};

/// One login on its way.
struct Knock {
  Connecting connection;
  Turn turn;
  bool knows_password = false, entered = false;
  bool ready = false;  // its socket is
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  Clock::time_point deadline;
};

/// The logins of one thread.
class Knocker {
 public:
  Knocker(const Server& server, const std::vector<Entrance>& entrances, const PasswordOf& password,
          const AttemptOptions& options, Queue& queue, std::vector<Attempt>& attempts)
      : server_(server),
        entrances_(entrances),
        password_(password),
        options_(options),
        queue_(queue),
        attempts_(attempts) {
    secrets::PasswordSource source;
    wrong_ = secrets::Secret(std::string(source.next().view()));
  }

  /// Until nothing is left; calls `tick` now and then.
  void run(unsigned at_once, std::atomic<size_t>& done, const std::function<void()>& tick) {
    while (true) {
      while (knocks_.size() < at_once && begin()) {
      }
      if (knocks_.empty()) return;
      wait();
      for (size_t i = 0; i < knocks_.size();) {
        if (!step(knocks_[i])) {
          ++i;
          continue;
        }
        if (i + 1 < knocks_.size()) knocks_[i] = std::move(knocks_.back());
        knocks_.pop_back();
        ++done;
      }
      tick();
    }
  }

 private:
  bool begin() {
    std::optional<Turn> turn = queue_.next();
    if (!turn) return false;
    const Attempt& attempt = attempts_[turn->number];
    const std::string& role = server_.roles[attempt.role].name;
    const secrets::Secret* known = password_ && turn->unsafe.empty() ? password_(role) : nullptr;
    sql::Target target = entrances_[attempt.entrance].target;
    target.user = role;
    target.password = known != nullptr ? *known : wrong_;
    target.database = server_.databases[attempt.database].name;
    if (known == nullptr) target.channel_binding = target.require_auth = "";  // nothing to protect
    Knock knock;
    knock.connection.reset(sql::start_connecting(target));
    knock.turn = std::move(*turn);
    ++knock.turn.tries;
    knock.knows_password = known != nullptr;
    knock.deadline = Clock::now() + options_.timeout;
    knocks_.push_back(std::move(knock));
    return true;
  }

  void wait() {
    std::vector<pollfd> files;
    auto first = Clock::time_point::max();
    for (const Knock& knock : knocks_) {
      const bool writing = !knock.entered && knock.next == PGRES_POLLING_WRITING;
      files.push_back(
          {sql::pq().socket(knock.connection.get()), static_cast<short>(writing ? POLLOUT : POLLIN), 0});
      first = std::min(first, knock.deadline);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now()).count();
    poll(files.data(), files.size(), static_cast<int>(std::clamp<int64_t>(left, 0, 200)));
    for (size_t i = 0; i < files.size(); ++i)
      knocks_[i].ready = files[i].fd < 0 || files[i].revents != 0;
  }

  /// Goes on with one login; true when it has its answer.
  bool step(Knock& knock) {
    PGconn* connection = knock.connection.get();
    if (connection == nullptr) return answer(knock, sql::Failure{"out of memory", {}, {}});
    if (sql::pq().status(connection) == CONNECTION_BAD)
      return answer(knock, furthest(sql::pq().errorMessage(connection)));
    if (!knock.ready) {
      if (Clock::now() < knock.deadline) return false;
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.timeout).count();
      return answer(knock, sql::Failure{"no answer within " + std::to_string(seconds) + " s", {}, {}});
    }
    if (knock.entered) return read(knock);
    knock.next = sql::pq().connectPoll(connection);
    if (knock.next == PGRES_POLLING_FAILED) return refused(knock, furthest(sql::pq().errorMessage(connection)));
    if (knock.next != PGRES_POLLING_OK) return false;
    // A pooler opens its door before it has been at the server's.
    knock.entered = true;
    if (sql::pq().sendQuery(connection, "SELECT 1") != 1)
      return answer(knock, furthest(sql::pq().errorMessage(connection)));
    return false;
  }

  bool read(Knock& knock) {
    PGconn* connection = knock.connection.get();
    if (sql::pq().consumeInput(connection) != 1) return answer(knock, furthest(sql::pq().errorMessage(connection)));
    if (sql::pq().isBusy(connection) != 0) return false;
    PGresult* result = sql::pq().getResult(connection);
    std::optional<sql::Failure> refusal;
    if (sql::pq().resultStatus(result) != PGRES_TUPLES_OK)
      refusal = furthest(result != nullptr ? sql::pq().resultErrorMessage(result) : sql::pq().errorMessage(connection));
    sql::pq().clear(result);
    return answer(knock, refusal);
  }

  /// A refusal that is libpq's own, not the server's, may be for the password's sake.
  bool refused(const Knock& knock, const sql::Failure& refusal) {
    const sql::Target& target = entrances_[attempts_[knock.turn.number].entrance].target;
    const bool guarded = !target.channel_binding.empty() || !target.require_auth.empty();
    if (!refusal.sqlstate.empty() || !knock.knows_password || !guarded) return answer(knock, refusal);
    queue_.again({knock.turn.number, knock.turn.tries, refusal.message.empty() ? "refused" : refusal.message});
    return true;
  }

  /// True: there is nothing more to do for this knock.
  bool answer(const Knock& knock, const std::optional<sql::Failure>& refusal) {
    Attempt& attempt = attempts_[knock.turn.number];
    if (refusal && has_no_room(*refusal) && knock.turn.tries < kMostTries) {
      queue_.again(knock.turn);
      return true;
    }
    attempt.outcome = outcome_of(refusal, entrances_[attempt.entrance].is_pooler, knock.knows_password);
    attempt.message = refusal ? refusal->message : "";
    if (attempt.outcome == Outcome::kAskedForPassword && !knock.turn.unsafe.empty()) {
      attempt.outcome = Outcome::kPasswordWithheld;
      attempt.message = knock.turn.unsafe;
    }
    return true;
  }

  const Server& server_;
  const std::vector<Entrance>& entrances_;
  const PasswordOf& password_;
  const AttemptOptions& options_;
  Queue& queue_;
  std::vector<Attempt>& attempts_;
  secrets::Secret wrong_;
  std::vector<Knock> knocks_;
};

/// The same number for the same name everywhere (FNV-1a).
uint64_t hash(std::string_view text) {
  uint64_t out = 0xCBF29CE484222325U;
  for (const unsigned char c : text) out = (out ^ c) * 0x100000001B3U;
  return out;
}

}  // namespace

Outcome outcome_of(const std::optional<sql::Failure>& refusal, bool is_pooler, bool knows_password) {
  if (!refusal) return Outcome::kEntered;
  const auto says = [&](std::string_view words) {
    return refusal->message.find(words) != std::string::npos;
  };
  if (refusal->sqlstate.empty()) return Outcome::kNoAnswer;
  const bool of_server = says("server login failed");  // PgBouncer tells what it was told
  if (!of_server && (refusal->is("28P01") || (is_pooler && says("password authentication failed"))))
    return knows_password ? Outcome::kRefusedPassword : Outcome::kAskedForPassword;
  if (refusal->is("42501")) return Outcome::kNoPrivilege;
  // PgBouncer's own refusals, and those that it passes on, have a SQLSTATE of its own (08P01).
  if (refusal->is("28000") && says("pg_hba.conf")) return Outcome::kRefusedByHba;
  if (is_pooler) return Outcome::kRefusedByPooler;
  return Outcome::kRefused;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kEntered:
      return "entered";
    case Outcome::kRefusedByHba:
      return "refused by pg_hba.conf";
    case Outcome::kRefusedPassword:
      return "wrong password";
    case Outcome::kAskedForPassword:
      return "asked for its password";
    case Outcome::kPasswordWithheld:
      return "password withheld";
    case Outcome::kNoPrivilege:
      return "no CONNECT privilege";
    case Outcome::kRefusedByPooler:
      return "refused by the pooler";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kNoAnswer:
      break;
  }
  return "no answer";
}

std::vector<Attempt> choose_attempts(
    const Server& server, Sample sample, size_t entrances, const std::vector<std::string>& spare,
    const std::function<bool(uint32_t role, uint32_t database)>& expected) {
  constexpr size_t kOwn = 3, kForeign = 3;  // of each role
  std::vector<Attempt> out;
  if (sample == Sample::kNone) return out;
  for (uint32_t role = 0; role < server.roles.size(); ++role) {
    const Role& r = server.roles[role];
    if (!r.login || r.superuser || std::ranges::find(spare, r.name) != spare.end()) continue;
    std::vector<uint32_t> chosen, own, foreign;
    for (uint32_t d = 0; d < server.databases.size(); ++d) {
      const Database& database = server.databases[d];
      if (!database.accepts) continue;
      const bool maintenance = database.is_template || database.name == "postgres";
      if (sample == Sample::kAll || maintenance)
        chosen.push_back(d);
      else
        (expected(role, d) ? own : foreign).push_back(d);
    }
    const auto pick = [&](const std::vector<uint32_t>& from, size_t most) {
      const size_t count = std::min(from.size(), most);
      for (size_t i = 0; i < count; ++i)
        chosen.push_back(from[(hash(r.name) + i * from.size() / count) % from.size()]);
    };
    pick(own, kOwn);
    pick(foreign, kForeign);
    std::ranges::sort(chosen);
    for (const uint32_t d : chosen)
      for (uint32_t e = 0; e < entrances; ++e)
        out.push_back({.role = role, .database = d, .entrance = e});
  }
  return out;
}

void run_attempts(const Server& server, const std::vector<Entrance>& entrances,
                  const PasswordOf& password, const AttemptOptions& options,
                  std::vector<Attempt>& attempts) {
  Queue queue(attempts.size());
  std::atomic<size_t> done = 0;
  const unsigned threads =
      std::max(1U, std::min({worker_count(attempts.size()), kMostThreads, options.at_once}));
  const auto work = [&](bool first) {
    Knocker knocker(server, entrances, password, options, queue, attempts);
    knocker.run(std::max(1U, options.at_once / threads), done, [&] {
      if (first && options.progress)
        options.progress(std::min(done.load(), attempts.size()), attempts.size());
    });
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work, false);
  work(true);
}

}  // namespace dbm::audit
