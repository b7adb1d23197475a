#include "audit/privileges.h"

#include <optional>
#include <unordered_map>

namespace dbm::audit {

ConnectPrivileges::ConnectPrivileges(const Server& server, const Memberships& memberships)
    : databases_(server.databases.size()),
      bits_((server.roles.size() * server.databases.size() + 63) / 64) {
  std::unordered_map<Oid, uint32_t> databases;
  for (uint32_t d = 0; d < databases_; ++d) databases.emplace(server.databases[d].oid, d);

  // Per grantee, the databases it was granted. pg_database_owner stands for each database's owner.
  const auto database_owner = memberships.find(std::string_view("pg_database_owner"));
  std::vector<std::vector<uint32_t>> granted(server.roles.size());
  std::vector<uint32_t> for_all;
  for (const Grant& grant : server.grants) {
    const auto database = databases.find(grant.database);
    if (grant.privilege != Privilege::kConnect || database == databases.end()) continue;
    if (grant.grantee == kPublic) {
      for_all.push_back(database->second);
      continue;
    }
    auto grantee = memberships.find(grant.grantee);
    if (!grantee) continue;
    granted[*grantee].push_back(database->second);
    if (grantee != database_owner) continue;
    if (const auto owner = memberships.find(server.databases[database->second].owner))
      if (server.major() >= 16 || server.roles[*owner].inherit)
        granted[*owner].push_back(database->second);
  }

  for (uint32_t role = 0; role < server.roles.size(); ++role) {
    if (server.roles[role].superuser) {
      for (uint32_t d = 0; d < databases_; ++d) set(role, d);
      continue;
    }
    for (const uint32_t d : for_all) set(role, d);
    for (const uint32_t from : memberships.of(role, Memberships::By::kInherit))
      for (const uint32_t d : granted[from]) set(role, d);
  }
}

}  // namespace dbm::audit
