// Findings of real logins: who got in and should not, who did not and should.

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

#include "audit/findings.h"
#include "base/text.h"

namespace dbm::audit {
namespace {

/// PgBouncer let the role in, and only the server behind it did not.
bool was_let_in_by_pooler(const Evidence& e, const Attempt& attempt) {
  if (!e.entrances[attempt.entrance].is_pooler) return false;
  if (attempt.outcome == Outcome::kNoPrivilege) return true;
  if (attempt.outcome != Outcome::kRefusedByPooler) return false;
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"query_wait_timeout", "server login failed",
                                              "pg_hba.conf"},
      [&](std::string_view words) { return attempt.message.find(words) != std::string::npos; });
}

/// One way of going wrong, of one role at one entrance: all its databases are one finding.
struct Key {
  uint32_t role, entrance;
  Outcome outcome;
  bool expected;
  auto operator<=>(const Key&) const = default;
};
struct Group {
  std::vector<std::string_view> databases;
  std::string message;
};

std::string through(const Evidence& e, uint32_t entrance) {
  const Entrance& by = e.entrances[entrance];
  if (by.name.empty()) return "";
  return fmt::format(" {} {}", by.is_pooler ? "through the pooler" : "at the replica", printable(by.name));
}

void tell(const Evidence& e, const Key& key, const Group& group, Findings& out) {
  const std::string object =
      fmt::format("role {}{}", e.server.roles[key.role].name, through(e, key.entrance));
  const std::string databases = list_names(group.databases);
  const std::string reason =
      group.message.empty() ? "" : fmt::format(" ({})", printable(group.message, 160));
  switch (key.outcome) {
    case Outcome::kEntered:
      out.error("breach", object,
                fmt::format("logged in to {}, where it is not expected", databases),
                "tried just now: what lets it in is this server's or this pooler's pg_hba");
      return;
    case Outcome::kRefusedPassword:
      out.error("wrong-password", object,
                fmt::format("the password that is known is refused at {}{}", databases, reason),
                "set the role's password anew from the same source");
      return;
    case Outcome::kPasswordWithheld:
      out.warning("password-withheld", object,
                  fmt::format("its password would not be safe on its way to {}{}", databases, reason),
                  "use TLS and scram-sha-256 there; --channel-binding prefer lets weaker logins be tried");
      return;
    case Outcome::kNoAnswer:
      out.error(
          "no-answer", object, fmt::format("no answer for {}{}", databases, reason),
          e.entrances[key.entrance].name.empty()
              ? "is the server there?"
              : "is it there? PgBouncer without a pg_hba of its own lets strangers in and leaves "
                "them waiting");
      return;
    default:
      out.error(
          "blocked", object, fmt::format("was refused at {}{}", databases, reason),
          "tried just now, from this machine: a line for other addresses does not count here");
  }
}

const Cell& cell_of(const Evidence& e, const Attempt& attempt) {
  const auto row = std::ranges::lower_bound(e.matrix.roles, attempt.role);
  return e.matrix.at(static_cast<size_t>(row - e.matrix.roles.begin()), attempt.database);
}

/// True when the outcome is worth telling.
bool is_wrong(Outcome outcome, bool expected, bool isolated) {
  switch (outcome) {
    case Outcome::kEntered:
      return !expected && isolated;
    case Outcome::kAskedForPassword:
      return false;
    case Outcome::kRefusedPassword:
    case Outcome::kPasswordWithheld:
      return expected;
    case Outcome::kNoAnswer:
      return true;
    default:
      return expected;
  }
}

void tell_open_poolers(const Evidence& e, Findings& out) {
  std::map<uint32_t, std::set<std::string_view>> roles;
  for (const Attempt& attempt : e.attempts)
    if (was_let_in_by_pooler(e, attempt) && !e.expected.may_enter(attempt.role, attempt.database))
      roles[attempt.entrance].insert(e.server.roles[attempt.role].name);
  if (!e.desired.isolated) return;
  for (const auto& [entrance, names] : roles)
    out.warning("pooler-lets-in", "pooler " + e.entrances[entrance].name,
                fmt::format("{} came past it into databases of others; only the server held",
                            list_names({names.begin(), names.end()})),
                "give PgBouncer the same pg_hba lines: strangers fill its pools and wait");
}

}  // namespace

void find_in_attempts(const Evidence& e, Findings& out) {
  std::map<Key, Group> groups;
  for (const Attempt& attempt : e.attempts) {
    const bool entered = attempt.outcome == Outcome::kEntered;
    // A role that need not get in may be refused; one that may get in may do so.
    const bool expected = entered ? e.expected.may_enter(attempt.role, attempt.database)
                                  : e.expected.must_enter(attempt.role, attempt.database);
    if (!is_wrong(attempt.outcome, expected, e.desired.isolated)) continue;
    if (entered && cell_of(e, attempt).verdict == Verdict::kBreach &&
        e.entrances[attempt.entrance].name.empty())
      continue;  // the matrix tells it
    Group& group = groups[{attempt.role, attempt.entrance, attempt.outcome, expected}];
    group.databases.push_back(e.server.databases[attempt.database].name);
    if (group.message.empty()) group.message = attempt.message;
  }
  for (const auto& [key, group] : groups) tell(e, key, group, out);
  tell_open_poolers(e, out);

  // What was judged and what was seen must not contradict each other.
  for (const Attempt& attempt : e.attempts) {
    if (attempt.outcome != Outcome::kEntered || !e.entrances[attempt.entrance].name.empty())
      continue;
    const Cell& cell = cell_of(e, attempt);
    if (cell.lock == Lock::kNothing) continue;
    out.error(
        "door-differs", "role " + e.server.roles[attempt.role].name,
        fmt::format("logged in to {}, which looked shut: {}",
                    printable(e.server.databases[attempt.database].name), to_string(cell.lock)),
        "the server goes by another pg_hba.conf than the one on its disk: SELECT "
        "pg_reload_conf()");
  }
}

}  // namespace dbm::audit
