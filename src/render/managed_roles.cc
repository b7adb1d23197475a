// spec.managed.roles of a Cluster: owners, users, and roles of their own.

#include "render/kinds.h"
#include "spec/names.h"

namespace dbm::render {

void add_managed_roles(Map& spec, const ClusterPlan& plan) {
  if (plan.roles.empty()) return;
  yaml::Arena& arena = spec.arena();
  List roles(arena, plan.roles.size());
  for (const spec::ClusterRole& role : plan.roles) {
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
