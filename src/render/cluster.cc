// Cluster objects.

#include "render/kinds.h"
#include "spec/volumes.h"
#include "spec/wal_sizes.h"
#include "yaml/at.h"

namespace dbm::render {
namespace {

using spec::Cluster;
using yaml::Value;

struct Parameter {
  std::string_view name;  // of PostgreSQL
  std::string_view key;   // of the values file
  spec::Text Cluster::*value;
};

constexpr Parameter kParameters[] = {
    {"max_connections", "maxConnections", &Cluster::max_connections},
    {"shared_buffers", "sharedBuffers", &Cluster::shared_buffers},
    {"effective_cache_size", "effectiveCacheSize", &Cluster::effective_cache_size},
    {"maintenance_work_mem", "maintenanceWorkMem", &Cluster::maintenance_work_mem},
    {"checkpoint_completion_target", "checkpointCompletionTarget",
     &Cluster::checkpoint_completion_target},
    {"wal_buffers", "walBuffers", &Cluster::wal_buffers},
    {"default_statistics_target", "defaultStatisticsTarget", &Cluster::default_statistics_target},
    {"random_page_cost", "randomPageCost", &Cluster::random_page_cost},
    {"effective_io_concurrency", "effectiveIoConcurrency", &Cluster::effective_io_concurrency},
    {"work_mem", "workMem", &Cluster::work_mem},
};

Map parameters(yaml::Arena& arena, const Cluster& c) {
  Map out(arena, 16);
  for (const Parameter& p : kParameters) out.set(p.name, c.*p.value, c.pos(p.key));
  const spec::WalSizes wal = spec::wal_sizes(c);
  out.set("min_wal_size", wal.min, c.pos("minWalSize"))
      .set("max_wal_size", wal.max, c.pos("maxWalSize"));
  Value map = out.value();
  for (const auto& [name, pos, text] : c.parameters)
    map.set(arena, name, Value::string(text, pos), pos);
  return out;
}

Map storage(yaml::Arena& arena, const auto& s) {
  Map out(arena);
  out.set("size", spec::rendered_size(s), s.pos("size"))
      .set("storageClass", s.storage_class, s.pos("storageClass"))
      .set("pvcTemplate", s.pvc_template);
  return out;
}

/// What the file's own keys say, before additionalClusterSpec.
Map own_spec(yaml::Arena& arena, const ClusterPlan& plan, const Options& options) {
  const Cluster& c = *plan.cluster;
  Map spec(arena, 16);
  spec.set("instances", c.instances, c.pos("instances"));
  if (c.image_catalog_ref.is_null())
    spec.set("imageName", c.image_name, c.pos("imageName"));
  else
    spec.set("imageCatalogRef", c.image_catalog_ref);
  spec.set("storage", storage(arena, c.storage));
  if (c.wal_storage.enabled) spec.set("walStorage", storage(arena, c.wal_storage));
  spec.set("resources", c.resources);

  Map postgresql(arena);
  postgresql.set("parameters", parameters(arena, c));
  spec.set("postgresql", yaml::merge(arena, postgresql.value(), c.postgresql.is_null()
                                                                    ? Map(arena).value()
                                                                    : c.postgresql));
  add_managed_roles(spec, plan, options.judged_only);
  add_bootstrap(spec, c);
  add_backup(spec, c);
  if (c.monitoring.enabled || c.monitoring.pod_monitor.enabled)
    if (cnpg::exists("Cluster.spec.monitoring.enablePodMonitor", options.version))
      spec.map("monitoring").set("enablePodMonitor", true, c.pos("monitoring"));
  return spec;
}

/// The roles of both lists; those of one name are merged, `over` wins.
Value merge_roles(yaml::Arena& arena, const Value& base, const Value& over) {
  List out(arena, base.items().size() + over.items().size());
  const auto name = [](const Value& role) { return text_at(role, {"name"}); };
  const auto same = [&](const Value& list, const Value& role) -> const Value* {
    for (const Value& other : list.items())
      if (name(other) == name(role)) return &other;
    return nullptr;
  };
  for (const Value& role : base.items()) {
    const Value* other = same(over, role);
    out.add(other != nullptr ? yaml::merge(arena, role, *other) : role);
  }
  for (const Value& role : over.items())
    if (same(base, role) == nullptr) out.add(role);
  return out.value();
}

/// additionalClusterSpec over ours: maps merge, managed.roles are combined by name, other lists
/// replace; another bootstrap method replaces initdb, a catalog the image that nobody asked for.
Value merge_additional(yaml::Arena& arena, const Map& own, const Value& additional,
                       bool has_image) {
  if (additional.is_null()) return own.value();
  Value base = own.value();
  if (const Value* bootstrap = additional.find("bootstrap");
      bootstrap != nullptr && (bootstrap->find("recovery") != nullptr ||
                               bootstrap->find("pg_basebackup") != nullptr))
    base.erase("bootstrap");
  if (!has_image && additional.find("imageCatalogRef") != nullptr) base.erase("imageName");
  Value merged = yaml::merge(arena, base, additional);
  const Value* ours = base.find_path({"managed", "roles"});
  const Value* theirs = additional.find_path({"managed", "roles"});
  if (ours != nullptr && theirs != nullptr) {
    Value managed = *merged.find("managed");
    managed.set(arena, "roles", merge_roles(arena, *ours, *theirs), theirs->pos());
  }
  return merged;
}

bool superuser_access(const Value& spec) {
  const Value* access = spec.find("enableSuperuserAccess");
  return access != nullptr && access->as_bool().value_or(false);
}

/// spec.postgresql.pg_hba: the user's lines, then ours.
void add_hba(Context& context, Value& spec, const ClusterPlan& plan) {
  const Cluster& c = *plan.cluster;
  const Value* own = c.postgresql.find("pg_hba");
  const Value* additional = c.additional_cluster_spec.find_path({"postgresql", "pg_hba"});
  const Value lines =
      hba_lines(context, plan, {own, additional}, superuser_access(spec), /*for_pgbouncer=*/false);
  if (lines.items().empty()) return;
  Value postgresql = *spec.find("postgresql");
  postgresql.set(context.arena, "pg_hba", lines, lines.pos());
}

}  // namespace

void render_clusters(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    yaml::Arena& arena = context.arena;
    Map object = context.object(kCnpgApi, "Cluster", c.name, context.options.ns,
                                {.cluster = c.name}, c.name_pos);
    Value spec = merge_additional(arena, own_spec(arena, plan, context.options),
                                  c.additional_cluster_spec, c.has("imageName"));
    add_hba(context, spec, plan);
    object.set("spec", spec);
    context.emit(object);
  }
}

}  // namespace dbm::render
