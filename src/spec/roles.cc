#include "spec/roles.h"

#include <algorithm>

#include "spec/names.h"

namespace dbm::spec {
namespace {

/// A role of its own gets a password when it may log in and the file gives it none.
bool wants_password(const Tree& attributes) {
  const Tree* login = attributes.find("login");
  const Tree* disabled = attributes.find("disablePassword");
  return login != nullptr && login->as_bool().value_or(false) &&
         !(disabled != nullptr && disabled->as_bool().value_or(false)) &&
         attributes.find("passwordSecret") == nullptr;
}

}  // namespace

std::vector<ClusterRole> cluster_roles(const Cluster& cluster) {
  std::vector<ClusterRole> roles;
  roles.reserve(cluster.databases.size() + cluster.roles.size());
  for (const Database& db : cluster.databases) {
    roles.push_back({.name = db.owner, .pos = db.pos("owner"),
                     .existing_secret = db.existing_secret, .tenant = true});
    for (const User& user : db.users)
      roles.push_back({.name = user.name, .pos = user.pos("name"),
                       .existing_secret = user.existing_secret, .tenant = true});
  }
  for (const auto& [name, pos, attributes] : cluster.roles)
    roles.push_back({.name = name, .pos = pos, .existing_secret = {}, .attributes = &attributes,
                     .has_password = wants_password(attributes)});

  std::ranges::stable_sort(roles, {}, &ClusterRole::name);
  size_t kept = 0;
  for (size_t i = 0; i < roles.size(); ++i) {
    if (kept == 0 || roles[kept - 1].name != roles[i].name) {
      roles[kept++] = roles[i];
      continue;
    }
    ClusterRole& first = roles[kept - 1];  // the same role again
    if (first.existing_secret.data() == nullptr) first.existing_secret = roles[i].existing_secret;
    if (roles[i].attributes != nullptr) first.attributes = roles[i].attributes;
    first.tenant |= roles[i].tenant;
  }
  roles.resize(kept);
  for (ClusterRole& role : roles) {
    if (!role.tenant || role.attributes == nullptr) continue;
    const Tree* disabled = role.attributes->find("disablePassword");
    role.has_password = role.attributes->find("passwordSecret") == nullptr &&
                        !(disabled != nullptr && disabled->as_bool().value_or(false));
  }
  return roles;
}

const ClusterRole* find_role(const std::vector<ClusterRole>& roles, std::string_view name) {
  const auto found = std::ranges::lower_bound(roles, name, {}, &ClusterRole::name);
  return found != roles.end() && found->name == name ? &*found : nullptr;
}

std::string password_secret(const Cluster& cluster, const ClusterRole& role) {
  if (role.existing_secret.data() != nullptr && !role.existing_secret.empty())
    return std::string(role.existing_secret);
  return role_secret_name(cluster.name, role.name);
}

}  // namespace dbm::spec
