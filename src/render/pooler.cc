// Pooler objects.

#include "render/kinds.h"
#include "spec/keys.h"
#include "spec/names.h"

namespace dbm::render {
namespace {

using spec::Cluster;
using spec::Pooler;
using yaml::Value;

/// The user's pod template; CNPG requires `spec.containers`, even an empty list.
Value pod_template(yaml::Arena& arena, const Value& user) {
  if (user.is_null()) return user;
  Map containers(arena, 1);
  containers.map("spec", 1).set("containers", List(arena).value());
  return yaml::merge(arena, containers.value(), user);
}

Value user_hba(yaml::Arena& arena, const Pooler& p) {
  List lines(arena, p.pg_hba.size());
  for (spec::Text text : p.pg_hba) lines.add(text, p.pos("pg_hba"));
  return lines.value();
}

Map pgbouncer(Context& context, const ClusterPlan& plan, const Pooler& p) {
  yaml::Arena& arena = context.arena;
  Map out(arena);
  out.set("poolMode", p.pool_mode, p.pos("poolMode"))
      .set("authQuery", p.auth_query, p.pos("authQuery"))
      .set("authQuerySecret", p.auth_query_secret)
      .set("parameters", p.parameters)
      .set("paused", p.paused, p.pos("paused"));
  const Value own = user_hba(arena, p);
  const Value* additional = p.additional_pooler_spec.find_path({"pgbouncer", "pg_hba"});
  const Value* access = plan.cluster->additional_cluster_spec.find("enableSuperuserAccess");
  const bool superuser = access != nullptr && access->as_bool().value_or(false);
  const Value lines =
      hba_lines(context, plan, {&own, additional}, superuser, /*for_pgbouncer=*/true);
  if (!lines.items().empty()) out.set("pg_hba", lines);
  return out;
}

Value pooler_spec(Context& context, const ClusterPlan& plan, const Pooler& p) {
  yaml::Arena& arena = context.arena;
  Map spec(arena, 8);
  spec.map("cluster", 1).set("name", plan.cluster->name);
  spec.set("instances", p.instances, p.pos("instances")).set("type", p.type, p.pos("type"));
  const Map bouncer = pgbouncer(context, plan, p);
  spec.set("pgbouncer", bouncer);

  Map monitoring(arena);
  if (p.monitoring.enable_pod_monitor) monitoring.set("enablePodMonitor", true);
  monitoring.set("podMonitorRelabelings", p.monitoring.pod_monitor_relabelings)
      .set("podMonitorMetricRelabelings", p.monitoring.pod_monitor_metric_relabelings);
  if (!monitoring.empty()) spec.set("monitoring", monitoring);

  spec.set("template", pod_template(arena, p.template_))
      .set("deploymentStrategy", p.deployment_strategy)
      .set("serviceTemplate", p.service_template);
  if (p.additional_pooler_spec.is_null()) return spec.value();

  Value merged = yaml::merge(arena, spec.value(), p.additional_pooler_spec);
  if (const Value* hba = bouncer.value().find("pg_hba"); hba != nullptr) {
    Value merged_bouncer = *merged.find("pgbouncer");
    merged_bouncer.set(arena, "pg_hba", *hba);  // already holds the additional spec's lines
  }
  if (const Value* pod = p.additional_pooler_spec.find("template"); pod != nullptr)
    merged.set(arena, "template", pod_template(arena, *merged.find("template")), pod->pos());
  return merged;
}

}  // namespace

void render_poolers(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    for (const Pooler& p : plan.cluster->poolers) {
      Map object =
          context.object(kCnpgApi, "Pooler", spec::pooler_object_name(plan.cluster->name, p.name),
                         context.options.ns, {.cluster = plan.cluster->name, .pooler = p.name},
                         p.pos("name"));
      object.set("spec", pooler_spec(context, plan, p));
      context.emit(object);
    }
  }
}

}  // namespace dbm::render
