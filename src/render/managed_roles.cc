// spec.managed.roles of a Cluster: owners, users, and roles of their own.

#include "render/kinds.h"
#include "spec/names.h"

namespace dbm::render {

void add_managed_roles(Map& spec, const ClusterPlan& plan, bool judged_only) {
  if (plan.roles.empty()) return;
  // Owners and users were judged by their rows, unless roles of the same names are merged into them.
  const bool own_only =
      judged_only &&
      plan.cluster->additional_cluster_spec.find_path({"managed", "roles"}) == nullptr;
  yaml::Arena& arena = spec.arena();
  List roles(arena, plan.roles.size());
  for (const spec::ClusterRole& role : plan.roles) {
    if (own_only && role.attributes == nullptr) continue;
    Map out(arena, 5);
    out.set("name", role.name, role.pos).set("ensure", "present");
    if (role.tenant) out.set("login", true);
    if (role.has_password) {
      Map secret = out.map("passwordSecret", 1);
      secret.copy("name", spec::password_secret(*plan.cluster, role));
    }
    roles.add(role.attributes != nullptr ? yaml::merge(arena, out.value(), *role.attributes)
                                         : out.value());
  }
  spec.map("managed", 1).set("roles", roles.value());
}

}  // namespace dbm::render
