#pragma once

// From what should be and what is to the statements between them. Pure functions: no server, any
// thread. A step is one statement; what is right already has none.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sql/converge.h"
#include "sql/desired.h"
#include "sql/look.h"

namespace dbm::sql {

/// How names and texts are written; Connection's own in the program. Must outlive the call.
struct Quote {
  std::function<std::string(std::string_view)> identifier, literal;
  static Quote of(const Connection& connection);
};

/// `object` and `action` are what is told of it; a step without an action is told only when it
/// fails. The statement may hold a verifier: it is never shown.
struct Step {
  std::string object, action, sql;
  std::string missing_hint = {};  // for when the server lacks a file that it needs
};

using Names = std::set<std::string, std::less<>>;

/// PostgreSQL's, CloudNativePG's and our own roles: not the file's business.
bool is_reserved_role(std::string_view name);

struct RolePlan {
  std::vector<Step> attributes;   // CREATE, ALTER, COMMENT
  std::vector<Step> memberships;  // when all roles are there
  std::vector<Step> drops;        // when no database is theirs any more
};
RolePlan plan_roles(const Desired& desired, const SharedLook& look, const VerifierOf& verifier,
                    const Quote& quote);

/// What is done to a database from outside. `roles`: those that exist by now.
struct DatabasePlan {
  std::vector<Step> steps;
  bool creates = false, drops = false;
  bool from_template1 = false;  // what is inside it at first is what is inside that
  std::vector<Failed> failed;           // what no statement can change
};
DatabasePlan plan_database(const Database& db, bool isolated, const SharedLook& look,
                           const Names& roles, const Quote& quote);

/// Who may enter a database that the file does not make (postgres, template1).
std::vector<Step> plan_maintenance(const Desired& desired, const SharedLook& look,
                                   const Names& roles, const Quote& quote);

/// Sessions of those who may not be where they are.
std::vector<Step> plan_sessions(const Desired& desired, const SharedLook& look,
                                const Quote& quote);

/// kOwnSchema; all in one transaction.
std::vector<Step> plan_own_schema(const Database& db, const InsideLook& look);
/// Schemas and extensions; each alone, so that one failure leaves the others.
std::vector<Step> plan_objects(const Database& db, const InsideLook& look, int major,
                               const Quote& quote);
/// Privileges, once schemas and extensions are there; all in one transaction.
std::vector<Step> plan_access(const Database& db, bool isolated, const InsideLook& look,
                              const Names& roles, const Quote& quote);

/// What is there and not named by the file: "database x", "role y".
std::vector<std::string> kept(const Desired& desired, const SharedLook& look);

/// Of all that is wanted inside a database.
std::string fingerprint(const Database& db, bool isolated);

/// Says which Debian package has an extension that the server does not find.
std::string extension_hint(std::string_view extension, int major);

/// "database app", "role app": how steps call their objects.
std::string database_object(std::string_view name);
std::string role_object(std::string_view name);

}  // namespace dbm::sql
