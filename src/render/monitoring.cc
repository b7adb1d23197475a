// PodMonitor and PrometheusRule objects.

#include <fmt/format.h>

#include "render/kinds.h"
#include "spec/names.h"
#include "spec/stores.h"

namespace dbm::render {
namespace {

using spec::Cluster;

constexpr std::string_view kApi = "monitoring.coreos.com/v1";

struct DefaultAlert {
  std::string_view name, severity, wait;
  std::string_view summary;      // {c}: the cluster
  std::string_view expr;         // {c}: the cluster, {ns}: the namespace
  bool (*wanted)(const Cluster&);
};

bool always(const Cluster&) { return true; }
bool has_standby(const Cluster& c) { return c.instances > 1; }
bool has_backup(const Cluster& c) { return spec::backs_up(c); }

/// The metrics are those of CNPG's default monitoring queries (cnpg-default-monitoring) and of
/// its instance manager; kubelet_* are the kubelet's.
constexpr DefaultAlert kDefaults[] = {
    {"CNPGClusterOffline", "critical", "5m", "No instance of {c} answers.",
     "(count(cnpg_collector_up{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) OR on() vector(0)) == 0",
     always},
    {"CNPGClusterNoStandby", "warning", "5m", "{c} has no standby to fail over to.",
     "(max(cnpg_pg_replication_streaming_replicas{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) OR "
     "on() vector(0)) < 1",
     has_standby},
    {"CNPGClusterReplicationLag", "warning", "5m", "A standby of {c} is far behind.",
     "max(cnpg_pg_replication_lag{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) > 300", has_standby},
    {"CNPGClusterConnectionsHigh", "warning", "5m", "{c} uses over 80 % of its connections.",
     "sum by (pod) (cnpg_backends_total{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) / max by (pod) "
     "(cnpg_pg_settings_setting{{name=\"max_connections\",namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) "
     "* 100 > 80",
     always},
    {"CNPGClusterConnectionsCritical", "critical", "5m", "{c} uses over 95 % of its connections.",
     "sum by (pod) (cnpg_backends_total{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) / max by (pod) "
     "(cnpg_pg_settings_setting{{name=\"max_connections\",namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) "
     "* 100 > 95",
     always},
    {"CNPGClusterDiskUsageHigh", "warning", "10m", "A volume of {c} is over 85 % full.",
     "max by (persistentvolumeclaim) (1 - kubelet_volume_stats_available_bytes{{namespace=\"{ns}\","
     "persistentvolumeclaim=~\"{c}-[0-9]+.*\"}} / "
     "kubelet_volume_stats_capacity_bytes{{namespace=\"{ns}\",persistentvolumeclaim=~\"{c}-[0-9]+.*\"}}"
     ") * 100 > 85",
     always},
    {"CNPGClusterWALArchiveFailing", "critical", "10m", "{c} cannot archive its WAL.",
     "max(cnpg_pg_stat_archiver_seconds_since_last_failure{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}"
     " >= 0 and cnpg_pg_stat_archiver_seconds_since_last_failure{{namespace=\"{ns}\","
     "pod=~\"{c}-[0-9]+$\"}} < "
     "cnpg_pg_stat_archiver_seconds_since_last_archival{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) "
     "> 0",
     has_backup},
    {"CNPGClusterBackupTooOld", "warning", "1h", "The last backup of {c} is over two days old.",
     "time() - max(cnpg_collector_last_available_backup_timestamp{{namespace=\"{ns}\","
     "pod=~\"{c}-[0-9]+$\"}}) > 172800",
     has_backup},
    {"CNPGDatabaseNotReconciled", "warning", "15m", "A database of {c} is not as it should be.",
     "max by (database) (kube_customresource_cnpg_database_applied{{namespace=\"{ns}\","
     "cluster=\"{c}\"}} == 0) == 0",
     always},
    {"CNPGClusterXIDAge", "critical", "10m", "{c} is close to transaction id wraparound.",
     "max(cnpg_pg_database_xid_age{{namespace=\"{ns}\",pod=~\"{c}-[0-9]+$\"}}) > 1500000000", always},
};

std::string expand(std::string_view text, const Cluster& c, const std::string& ns) {
  return fmt::format(fmt::runtime(text), fmt::arg("c", c.name), fmt::arg("ns", ns));
}

Map default_rule(yaml::Arena& arena, const DefaultAlert& alert, const Cluster& c,
                 const std::string& ns) {
  Map rule(arena, 5);
  rule.set("alert", alert.name).copy("expr", expand(alert.expr, c, ns)).set("for", alert.wait);
  rule.map("labels", 2).set("severity", alert.severity).set("cnpg_cluster", c.name);
  rule.map("annotations", 1).copy("summary", expand(alert.summary, c, ns));
  return rule;
}

Map own_rule(yaml::Arena& arena, const spec::AlertRule& r) {
  Map rule(arena, 7);
  rule.set("alert", r.alert, r.pos("alert"))
      .set("record", r.record, r.pos("record"))
      .set("expr", r.expr, r.pos("expr"))
      .set("for", r.for_, r.pos("for"))
      .set("keep_firing_for", r.keep_firing_for, r.pos("keep_firing_for"))
      .set("labels", r.labels)
      .set("annotations", r.annotations);
  return rule;
}

}  // namespace

void render_pod_monitors(Context& context) {
  const cnpg::Version version = context.options.version;
  if (cnpg::exists("Cluster.spec.monitoring.enablePodMonitor", version)) return;
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    if (!c.monitoring.enabled && !c.monitoring.pod_monitor.enabled) continue;
    Map object = context.object(kApi, "PodMonitor", c.name, context.options.ns,
                                {.cluster = c.name}, c.pos("monitoring"));
    Map spec = object.map("spec", 2);
    spec.map("selector", 1)
        .map("matchLabels", 2)
        .set("cnpg.io/cluster", c.name)
        .set("cnpg.io/podRole", "instance");
    Map endpoint(context.arena, 1);
    endpoint.set("port", "metrics");
    spec.set("podMetricsEndpoints", List(context.arena).add(endpoint).value());
    context.emit(object);
  }
}

void render_prometheus_rules(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    const spec::PrometheusRule& rule = c.monitoring.prometheus_rule;
    if (!rule.enabled) continue;
    yaml::Arena& arena = context.arena;
    Map object = context.object(kApi, "PrometheusRule", arena.concat({c.name, "-alerts"}),
                                context.options.ns,
                                {.cluster = c.name, .labels = &rule.labels,
                                 .annotations = &rule.annotations},
                                c.monitoring.pos("prometheusRule"));
    List rules(arena, 10);
    for (const spec::AlertRule& own : rule.rules) rules.add(own_rule(arena, own));
    if (rule.rules.empty())
      for (const DefaultAlert& alert : kDefaults)
        if (alert.wanted(c)) rules.add(default_rule(arena, alert, c, context.options.ns));
    Map group(arena, 3);
    group.set("name", arena.concat({"cloudnative-pg/", c.name}))
        .set("interval", rule.interval, rule.pos("interval"))
        .set("rules", rules.value());
    object.map("spec", 1).set("groups", List(arena).add(group).value());
    context.emit(object);
  }
}

}  // namespace dbm::render
