#pragma once

// What an audit has to say, besides its matrix: each finding names its object, why it matters and
// what to do. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "audit/attempt.h"
#include "audit/expected.h"
#include "audit/matrix.h"

namespace dbm::audit {

/// `code` is a stable name (docs/errors.md); an error makes the audit fail, a warning does not.
struct Finding {
  bool error = true;
  bool fixable = false;  // by audit --fix
  std::string code, object, why, hint;
};

class Findings {
 public:
  Finding& error(std::string_view code, std::string object, std::string why, std::string hint) {
    return items_.emplace_back(Finding{true, false, std::string(code), std::move(object),
                                       std::move(why), std::move(hint)});
  }
  Finding& warning(std::string_view code, std::string object, std::string why, std::string hint) {
    Finding& finding = error(code, std::move(object), std::move(why), std::move(hint));
    finding.error = false;
    return finding;
  }
  std::vector<Finding> take() { return std::move(items_); }

 private:
  std::vector<Finding> items_;
};

/// Everything that the findings are found in.
struct Evidence {
  const Server& server;
  const sql::Desired& desired;
  const Memberships& memberships;
  const Expected& expected;
  const Hba& hba;
  const Matrix& matrix;
  const std::vector<Entrance>& entrances;
  const std::vector<Attempt>& attempts;
};

/// All of them, errors first.
std::vector<Finding> find_all(const Evidence& evidence);

// The parts, one a file.
void find_in_matrix(const Evidence& evidence, Findings& out);     // who is in, who is shut out
void find_in_hba(const Evidence& evidence, Findings& out);        // lines of pg_hba.conf
void find_in_roles(const Evidence& evidence, Findings& out);      // attributes and memberships
void find_in_databases(const Evidence& evidence, Findings& out);  // grants, sessions, insides
void find_in_attempts(const Evidence& evidence, Findings& out);   // real logins

/// "a, b, c and 4 more"
std::string list_names(const std::vector<std::string_view>& names);
/// "line 5 (host all all all trust)"; which line let somebody in.
std::string describe(const HbaRule& rule);
std::string_view to_string(Lock lock);

/// A grant that nobody who is expected needs: to PUBLIC, or to a role that is not to enter.
/// Only of the file's databases, postgres and template1.
std::vector<Grant> surplus_grants(const Server& server, const Memberships& memberships,
                                  const Expected& expected);
/// Sessions of roles in databases that they are not to enter. Superusers' are not among them.
std::vector<Session> stray_sessions(const Server& server, const Memberships& memberships,
                                    const Expected& expected);

}  // namespace dbm::audit
