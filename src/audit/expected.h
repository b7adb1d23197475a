#pragma once

// Who should enter what: the values file's word on every role and database that a server has.
// Built once, read-only then: any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "audit/memberships.h"
#include "audit/server.h"
#include "sql/desired.h"

namespace dbm::audit {

/// What counts besides the file's roles and databases.
struct Expectations {
  bool superuser_access = false;  // enableSuperuserAccess: superusers come from anywhere
  /// Enter every database, by whatever door: the audit's own role, a pooler's auth_query role.
  std::vector<std::string> service_roles = {};
};

/// Indices of Server::roles and Server::databases; the Server and the Desired must outlive it.
class Expected {
 public:
  Expected(const Server& server, const sql::Desired& desired, const Memberships& memberships,
           const Expectations& expectations);

  /// The file says that the role enters the database.
  bool must_enter(uint32_t role, uint32_t database) const;
  /// It says so, or nobody minds.
  bool may_enter(uint32_t role, uint32_t database) const;
  /// CloudNativePG's own role, whose place is behind a certificate.
  bool is_operators(uint32_t role) const { return of_role_[role] == Kind::kOperators; }
  bool is_service(uint32_t role) const { return of_role_[role] == Kind::kService; }
  /// Owner or user of a database of the file.
  bool is_tenant(uint32_t role) const { return of_role_[role] == Kind::kTenant; }
  /// What the file says of it, or null.
  const sql::Role* role(uint32_t role) const { return roles_[role]; }
  const sql::Database* database(uint32_t database) const { return databases_[database]; }

  /// What the file wants and the server lacks.
  const std::vector<std::string>& missing_roles() const { return missing_roles_; }
  const std::vector<std::string>& missing_databases() const { return missing_databases_; }

 private:
  enum class Kind : uint8_t { kOther, kTenant, kOperators, kService, kSuperuser };
  std::vector<Kind> of_role_;
  std::vector<const sql::Role*> roles_;
  std::vector<const sql::Database*> databases_;
  std::vector<std::vector<uint32_t>> entrants_;  // a list a database; sorted
  std::vector<std::string> missing_roles_, missing_databases_;
  bool superuser_access_;
};

}  // namespace dbm::audit
