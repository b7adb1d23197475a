#pragma once

// Real logins: the same question that the server's catalogs answer, asked at the door itself -
// directly and through each pooler - as the role, over TCP, with its password. Many at a time.
//
// A role whose password is not known comes with a wrong one: that still tells whether pg_hba
// refuses it before its password is asked for. The server's log then shows a failed login. A login that
// libpq gives up because its password would not be safe (Target::channel_binding, ::require_auth) is tried
// once more with a wrong one and without these: the password stays here, the door's answer is learnt. Threads:
// run_attempts() starts some and ends them.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/server.h"
#include "secrets/secret.h"
#include "sql/connection.h"

namespace dbm::audit {

/// The password of a role, or null pointer. Any thread; good as long as the function.
using PasswordOf = std::function<const secrets::Secret*(std::string_view role)>;

/// Target::require_auth of doors that get real passwords: SCRAM does not give them away, and a server that asks
/// for none learns none.
inline constexpr const char* kSafeLogins = "scram-sha-256,none";

/// A door to knock at: the server itself (the first; its name is empty), a replica, or a pooler.
struct Entrance {
  std::string name;
  sql::Target target;  // role, password and database are filled in by each attempt
  bool is_pooler = true;
  /// "pooler rw", "replica shop-2"; empty for the server itself.
  std::string title() const {
    return name.empty() ? "" : (is_pooler ? "pooler " : "replica ") + name;
  }
};

enum class Outcome : uint8_t {
  kEntered,
  kRefusedByHba,
  kRefusedPassword,   // the password that is known is not the role's
  kAskedForPassword,  // pg_hba lets the role in; whether further cannot be told without its
                      // password
  kPasswordWithheld,  // the same, of one that is known: it would not have been safe; `message` says why
  kNoPrivilege,       // no CONNECT on the database
  kRefusedByPooler,
  kRefused,  // for another reason: `message` says it
  kNoAnswer,
};
std::string_view to_string(Outcome outcome);

/// What a login came to: no refusal is an entry, and nothing else is. A refusal without SQLSTATE is no answer.
Outcome outcome_of(const std::optional<sql::Failure>& refusal, bool is_pooler, bool knows_password);

/// `role` and `database` are indices of Server::roles and ::databases, `entrance` of the list.
struct Attempt {
  uint32_t role = 0, database = 0, entrance = 0;
  Outcome outcome = Outcome::kNoAnswer;
  std::string message = {};
};

enum class Sample : uint8_t { kNone, kSome, kAll };

/// Which logins to try, the same ones on each run: every login role at its own databases
/// (`expected`), at every maintenance database and at a few foreign ones. Superusers and the names
/// of `spare` are left out. Outcomes are not filled in yet.
std::vector<Attempt> choose_attempts(
    const Server& server, Sample sample, size_t entrances, const std::vector<std::string>& spare,
    const std::function<bool(uint32_t role, uint32_t database)>& expected);

struct AttemptOptions {
  unsigned at_once = 16;
  std::chrono::milliseconds timeout{10'000};                   // for each
  std::function<void(size_t done, size_t all)> progress = {};  // from the calling thread
};

/// Fills in the outcomes.
void run_attempts(const Server& server, const std::vector<Entrance>& entrances,
                  const PasswordOf& password, const AttemptOptions& options,
                  std::vector<Attempt>& attempts);

}  // namespace dbm::audit
