// Rows of `clusters.<name>.poolers[]`.

#include "spec/checks.h"
#include "spec/keys.h"

namespace dbm::schema {

using namespace spec;

template <>
const Record& record_of<PoolerMonitoring>() {
  static const Key kKeys[] = {
      key<&PoolerMonitoring::enable_pod_monitor>("enablePodMonitor",
                                                 "Scrape the pooler's metrics with a PodMonitor."),
      key<&PoolerMonitoring::pod_monitor_relabelings>(
          "podMonitorRelabelings", "Relabelings of the PodMonitor.",
          {.cnpg = "Pooler.spec.monitoring.podMonitorRelabelings"}),
      key<&PoolerMonitoring::pod_monitor_metric_relabelings>(
          "podMonitorMetricRelabelings", "Metric relabelings of the PodMonitor.",
          {.cnpg = "Pooler.spec.monitoring.podMonitorMetricRelabelings"}),
  };
  static const Record kRecord{"PoolerMonitoring", "Metrics of the pooler.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Pooler>() {
  static const Key kKeys[] = {
      key<&Pooler::name>("name", "Name: the object is `<cluster>-pooler-<name>`.",
                         {.required = true, .check = check_dns_label, .example = "rw"}),
      key<&Pooler::type>("type",
                         "rw (to the primary), ro (to replicas) or r (to any instance)."),
      key<&Pooler::instances>("instances", "Number of PgBouncer pods.",
                              {.minimum = 0, .maximum = 2147483647}),
      key<&Pooler::pool_mode>("poolMode",
                              "session: a server connection for the client's whole session; "
                              "transaction: for each transaction."),
      key<&Pooler::parameters>("parameters", "PgBouncer parameters that CNPG allows.",
                               {.example = "{default_pool_size: \"25\"}"}),
      key<&Pooler::monitoring>("monitoring", "Metrics of the pooler."),
      key<&Pooler::template_>("template", "Pod template of the pooler.",
                              {.cnpg = "Pooler.spec.template", .partial = true}),
      key<&Pooler::deployment_strategy>("deploymentStrategy", "How pods are replaced.",
                                        {.cnpg = "Pooler.spec.deploymentStrategy"}),
      key<&Pooler::auth_query>("authQuery", "Query that finds a user's password."),
      key<&Pooler::auth_query_secret>("authQuerySecret", "Secret of the user that runs authQuery.",
                                      {.cnpg = "Pooler.spec.pgbouncer.authQuerySecret"}),
      key<&Pooler::pg_hba>("pg_hba", "pg_hba lines before ours."),
      key<&Pooler::paused>("paused", "Hold all traffic (PgBouncer's PAUSE)."),
      key<&Pooler::service_template>("serviceTemplate", "The Service in front of the pooler.",
                                     {.cnpg = "Pooler.spec.serviceTemplate"}),
      key<&Pooler::additional_pooler_spec>("additionalPoolerSpec",
                                           "Any field of CNPG's Pooler spec, merged over the rest.",
                                           {.cnpg = "Pooler.spec", .partial = true}),
  };
  static const Record kRecord{"Pooler", "A PgBouncer pooler.", kKeys};
  return kRecord;
}

}  // namespace dbm::schema
