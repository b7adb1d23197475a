// Connecting: what libpq is told, the deadline, and what it says when it fails.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <memory>
#include <vector>

#include "sql/connection_parameters.h"
#include "sql/environment.h"
#include "sql/libpq.h"

namespace dbm::sql {
namespace {

using Clock = std::chrono::steady_clock;
using Owned = std::unique_ptr<PGconn, decltype([](PGconn* c) { pq().finish(c); })>;

PGconn* start(const Target& target) {
  const auto parameters = connection_parameters(target, pq().libVersion());
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name);
    values.push_back(value.c_str());
  }
  // Owned here, so that it ends in a NUL; wiped when it goes.
  const secrets::Secret password(std::string(target.password.reveal()));
  if (!password.empty()) {
    names.push_back("password");
    values.push_back(password.reveal().data());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return pq().connectStartParams(names.data(), values.data(), 0);  // dbname is no URI
}

/// True when the socket is ready before the deadline.
bool wait_for(PGconn* connection, short events, Clock::time_point deadline) {
  using std::chrono::ceil, std::chrono::milliseconds;
  pollfd fd{pq().socket(connection), events, 0};
  for (;;) {
    const auto left = ceil<milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    const int ready = poll(&fd, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool is_sqlstate(std::string_view text) {
  if (text.size() < 5) return false;
  for (const char c : text.substr(0, 5))
    if (std::isdigit(static_cast<unsigned char>(c)) == 0 && (c < 'A' || c > 'Z')) return false;
  return true;
}

}  // namespace

PGconn* start_connecting(const Target& target) {
  PGconn* connection = start(target);
  if (connection == nullptr) return nullptr;
  pq().setNoticeProcessor(connection, [](void*, const char*) {}, nullptr);
  pq().setErrorVerbosity(connection, PQERRORS_VERBOSE);  // says the SQLSTATE
  return connection;
}

std::variant<PGconn*, Failure> connect(const Target& target) {
  if (load_libpq() == nullptr)
    return Failure{"there is no libpq.so.5 of PostgreSQL 14 or later on this machine", {}, "apt-get install libpq5"};
  if (has_libpq_environment())
    return Failure{"libpq's environment variables (PG…) were not removed before connecting", {}, {}};
  const auto deadline = Clock::now() + target.timeout;
  Owned connection(start_connecting(target));
  if (connection == nullptr) return Failure{"out of memory", {}, {}};
  auto next = PGRES_POLLING_WRITING;
  while (pq().status(connection.get()) != CONNECTION_BAD && next != PGRES_POLLING_OK) {
    if (!wait_for(connection.get(), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
      return Failure{"no answer within " + std::to_string(target.timeout.count()) + " s", {}, {}};
    next = pq().connectPoll(connection.get());
  }
  if (pq().status(connection.get()) == CONNECTION_BAD)
    return parse_refusal(pq().errorMessage(connection.get()));
  pq().setErrorVerbosity(connection.get(), PQERRORS_TERSE);
  return connection.release();
}

Failure parse_refusal(std::string_view text) {
  Failure out;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // `[connection to server …: ]FATAL:  28P01: password authentication failed for user "x"`
    for (size_t at = line.find(":  "); at != line.npos; at = line.find(":  ", at + 1)) {
      const std::string_view after = line.substr(at + 3);
      if (!is_sqlstate(after) || !after.substr(5).starts_with(": ")) continue;
      out = {std::string(after.substr(7)), std::string(after.substr(0, 5)), {}};
      break;
    }
    if (line.starts_with("HINT:  ") && !out.sqlstate.empty()) out.hint = line.substr(7);
  }
  if (out.sqlstate.empty()) out.message = one_line(text);
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (!out.empty()) out += ' ';
    out += line;
  }
  return out;
}

}  // namespace dbm::sql
