#include "audit/expected.h"

#include <algorithm>
#include <optional>
#include <set>

namespace dbm::audit {

Expected::Expected(const Server& server, const sql::Desired& desired,
                   const Memberships& memberships, const Expectations& expectations)
    : of_role_(server.roles.size(), Kind::kOther),
      roles_(server.roles.size()),
      databases_(server.databases.size()),
      entrants_(server.databases.size()),
      superuser_access_(expectations.superuser_access) {
  std::set<std::string> missing_roles;
  const auto place = [&](std::string_view name) {
    const auto at = std::ranges::lower_bound(
        server.databases, name, {}, [](const Database& d) { return std::string_view(d.name); });
    return at != server.databases.end() && at->name == name
               ? std::optional(static_cast<size_t>(at - server.databases.begin()))
               : std::nullopt;
  };
  const auto let_in = [&](size_t database, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (const auto role = memberships.find(std::string_view(name)))
        entrants_[database].push_back(*role);
      else
        missing_roles.insert(name);
    }
    std::ranges::sort(entrants_[database]);
  };
  for (const sql::Role& role : desired.roles) {
    if (const auto found = memberships.find(std::string_view(role.name))) {
      roles_[*found] = &role;
      if (role.tenant) of_role_[*found] = Kind::kTenant;
    } else if (role.present) {
      missing_roles.insert(role.name);
    }
  }
  for (const sql::Database& database : desired.databases) {
    if (!database.present) continue;
    if (const auto index = place(database.name)) {
      databases_[*index] = &database;
      let_in(*index, database.entrants);
    } else {
      missing_databases_.push_back(database.name);
    }
  }
  for (const auto& [name, roles] : desired.maintenance_entrants)
    if (const auto index = place(name)) let_in(*index, roles);
  missing_roles_.assign(missing_roles.begin(), missing_roles.end());

  for (uint32_t i = 0; i < server.roles.size(); ++i) {
    const std::string_view name = server.roles[i].name;
    if (name == "streaming_replica" || name == "cnpg_pooler_pgbouncer")
      of_role_[i] = Kind::kOperators;
    else if (server.roles[i].superuser && of_role_[i] != Kind::kTenant)
      of_role_[i] = Kind::kSuperuser;
    if (std::ranges::find(expectations.service_roles, name) != expectations.service_roles.end())
      of_role_[i] = Kind::kService;
  }
}

bool Expected::must_enter(uint32_t role, uint32_t database) const {
  const sql::Database* d = databases_[database];
  if (d != nullptr && (!d->allow_connections.value_or(true) || d->connection_limit == 0))
    return false;
  return std::ranges::binary_search(entrants_[database], role);
}

bool Expected::may_enter(uint32_t role, uint32_t database) const {
  if (of_role_[role] == Kind::kService) return true;
  if (of_role_[role] == Kind::kSuperuser && superuser_access_) return true;
  return std::ranges::binary_search(entrants_[database], role);
}

}  // namespace dbm::audit
