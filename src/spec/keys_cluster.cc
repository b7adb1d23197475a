// Rows of `clusters.<name>`, its storage, monitoring and isolation.

#include "spec/checks.h"
#include "spec/keys.h"

namespace dbm::schema {

using namespace spec;

template <>
const Record& record_of<Storage>() {
  static const Key kKeys[] = {
      key<&Storage::size>("size", "Size of each instance's volume, a Kubernetes quantity.",
                          {.check = check_quantity, .example = "100Gi"}),
      key<&Storage::storage_class>("storageClass", "StorageClass of the volume.",
                                   {.check = check_dns_subdomain, .example = "fast-ssd"}),
      key<&Storage::pvc_template>("pvcTemplate", "Further fields of the PersistentVolumeClaim; `resources.requests.storage` takes the place of the default `size`.",
                                  {.cnpg = "Cluster.spec.storage.pvcTemplate"}),
  };
  static const Record kRecord{"Storage", "Where the data of each instance lives.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<WalStorage>() {
  static const Key kKeys[] = {
      key<&WalStorage::enabled>("enabled", "Keep the WAL on a volume of its own."),
      key<&WalStorage::size>("size", "Size of the WAL volume, a Kubernetes quantity.",
                             {.check = check_quantity, .example = "20Gi"}),
      key<&WalStorage::storage_class>("storageClass", "StorageClass of the WAL volume.",
                                      {.check = check_dns_subdomain}),
      key<&WalStorage::pvc_template>("pvcTemplate", "Further fields of the PersistentVolumeClaim; `resources.requests.storage` takes the place of the default `size`.",
                                     {.cnpg = "Cluster.spec.walStorage.pvcTemplate"}),
  };
  static const Record kRecord{"WalStorage", "A volume of its own for the write-ahead log.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<AlertRule>() {
  static const Key kKeys[] = {
      key<&AlertRule::alert>("alert", "Name of the alert.", {.example = "DatabaseTooLarge"}),
      key<&AlertRule::record>("record", "Name of the recorded series (instead of an alert)."),
      key<&AlertRule::expr>("expr", "PromQL expression.",
                            {.required = true, .check = check_not_empty}),
      key<&AlertRule::for_>("for", "How long the expression must hold.",
                            {.check = check_prometheus_duration, .example = "10m"}),
      key<&AlertRule::keep_firing_for>("keep_firing_for", "How long the alert goes on afterwards.",
                                       {.check = check_prometheus_duration}),
      key<&AlertRule::labels>("labels", "Labels added to the alert."),
      key<&AlertRule::annotations>("annotations", "Annotations of the alert."),
  };
  static const Record kRecord{"AlertRule", "One rule of Prometheus.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<PrometheusRule>() {
  static const Key kKeys[] = {
      key<&PrometheusRule::enabled>("enabled", "Make a PrometheusRule `<cluster>-alerts`."),
      key<&PrometheusRule::labels>("labels", "Labels of the PrometheusRule object.",
                                   {.check = check_labels}),
      key<&PrometheusRule::annotations>("annotations", "Annotations of the PrometheusRule object.",
                                        {.check = check_annotations}),
      key<&PrometheusRule::interval>("interval", "How often the rules are evaluated.",
                                     {.check = check_prometheus_duration, .example = "30s"}),
      key<&PrometheusRule::rules>("rules", "Your own rules; they replace the default set."),
  };
  static const Record kRecord{"PrometheusRule", "Alert rules for the Prometheus operator.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<PodMonitor>() {
  static const Key kKeys[] = {
      key<&PodMonitor::enabled>("enabled", "Make a PodMonitor for the cluster's instances."),
  };
  static const Record kRecord{"PodMonitor", "A PodMonitor for the Prometheus operator.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Monitoring>() {
  static const Key kKeys[] = {
      key<&Monitoring::enabled>("enabled", "Scrape the cluster's metrics with a PodMonitor."),
      key<&Monitoring::pod_monitor>("podMonitor", "The PodMonitor of the cluster."),
      key<&Monitoring::prometheus_rule>("prometheusRule", "Alert rules for the cluster."),
  };
  static const Record kRecord{"Monitoring", "Metrics and alerts.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<ExternalStore>() {
  static const Key kKeys[] = {
      key<&ExternalStore::name>("name", "Name of the store.", {.check = check_dns_subdomain}),
      key<&ExternalStore::kind>("kind", "SecretStore or ClusterSecretStore."),
      key<&ExternalStore::refresh_interval>("refreshInterval", "How often it is read again."),
      key<&ExternalStore::key_prefix>("keyPrefix", "Put before the Secret's name to make the key."),
  };
  static const Record kRecord{"ExternalStore", "Where External Secrets reads passwords.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<RoleSecrets>() {
  static const Key kKeys[] = {
      key<&RoleSecrets::create>("create",
                                "Make the password Secrets; false: you provide them under the "
                                "same names."),
      key<&RoleSecrets::source>("source",
                                "Where passwords come from: generate (random, made once), derive "
                                "(from a master key) or external (External Secrets)."),
      key<&RoleSecrets::generation>("generation", "Raised to derive a new set of passwords.",
                                    {.minimum = 1}),
      key<&RoleSecrets::external>("external", "The store for `source: external`."),
  };
  static const Record kRecord{"RoleSecrets", "The Secrets that hold the roles' passwords.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<ConnectionSecrets>() {
  static const Key kKeys[] = {
      key<&ConnectionSecrets::create>("create",
                                      "Make a Secret with host, user, password and URIs for every "
                                      "database."),
      key<&ConnectionSecrets::cluster_domain>("clusterDomain",
                                              "DNS domain of the Kubernetes cluster.",
                                              {.check = check_dns_subdomain}),
  };
  static const Record kRecord{"ConnectionSecrets", "What an application needs to connect.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Allow>() {
  static const Key kKeys[] = {
      key<&Allow::role>("role", "The role that may enter.",
                        {.required = true, .check = check_identifier}),
      key<&Allow::databases>("databases", "The databases it may enter.", {.required = true}),
      key<&Allow::address>("address", "From where: `all`, samenet, samehost or a CIDR range.",
                           {.check = check_hba_address, .example = "10.0.0.0/8"}),
  };
  static const Record kRecord{"Allow", "A door opened by hand.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Isolation>() {
  static const Key kKeys[] = {
      key<&Isolation::enabled>("enabled",
                               "Let each role enter its own databases only (pg_hba of the Cluster "
                               "and of every Pooler); false: the chart's behaviour."),
      key<&Isolation::require_tls>("requireTLS", "Refuse connections without TLS."),
      key<&Isolation::allow>("allow", "Further roles that may enter further databases."),
  };
  static const Record kRecord{"Isolation", "Who may enter which database.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Defaults>() {
  static const Key kKeys[] = {
      key<&Defaults::limits>("limits", "Limits of every database that sets none of its own."),
  };
  static const Record kRecord{"Defaults", "What every database of the cluster gets.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Cluster>() {
  static const Key kKeys[] = {
      key<&Cluster::enabled>("enabled", "Whether this cluster is rendered.", {.required = true}),
      key<&Cluster::instances>("instances", "Number of PostgreSQL instances.",
                               {.minimum = 1, .maximum = 2147483647}),
      key<&Cluster::image_name>("imageName", "PostgreSQL image with tag.",
                                {.check = check_not_empty}),
      key<&Cluster::image_catalog_ref>("imageCatalogRef",
                                       "Image of an image catalog (excludes imageName).",
                                       {.cnpg = "Cluster.spec.imageCatalogRef"}),
      key<&Cluster::storage>("storage", "Where the data of each instance lives."),
      key<&Cluster::wal_storage>("walStorage", "A volume of its own for the write-ahead log."),
      key<&Cluster::resources>("resources", "Requests and limits of the instances' pods.",
                               {.cnpg = "Cluster.spec.resources"}),
      key<&Cluster::max_connections>("maxConnections", "max_connections of PostgreSQL."),
      key<&Cluster::shared_buffers>("sharedBuffers", "shared_buffers of PostgreSQL."),
      key<&Cluster::effective_cache_size>("effectiveCacheSize", "effective_cache_size."),
      key<&Cluster::maintenance_work_mem>("maintenanceWorkMem", "maintenance_work_mem."),
      key<&Cluster::checkpoint_completion_target>("checkpointCompletionTarget",
                                                  "checkpoint_completion_target."),
      key<&Cluster::wal_buffers>("walBuffers", "wal_buffers."),
      key<&Cluster::default_statistics_target>("defaultStatisticsTarget",
                                               "default_statistics_target."),
      key<&Cluster::random_page_cost>("randomPageCost", "random_page_cost."),
      key<&Cluster::effective_io_concurrency>("effectiveIoConcurrency",
                                              "effective_io_concurrency."),
      key<&Cluster::work_mem>("workMem", "work_mem: memory for one sort or hash."),
      key<&Cluster::min_wal_size>("minWalSize", "min_wal_size."),
      key<&Cluster::max_wal_size>("maxWalSize", "max_wal_size."),
      key<&Cluster::parameters>("parameters",
                                "Further PostgreSQL parameters, over the ones above."),
      key<&Cluster::postgresql>("postgresql",
                                "Anything of CNPG's spec.postgresql (parameters, pg_hba, "
                                "synchronous, …); merged last.",
                                {.cnpg = "Cluster.spec.postgresql", .partial = true}),
      key<&Cluster::monitoring>("monitoring", "Metrics and alerts."),
      key<&Cluster::initdb>("initdb", "postInitSQL and the other fields of CNPG's initdb bootstrap.",
                            {.cnpg = "Cluster.spec.bootstrap.initdb", .partial = true}),
      key<&Cluster::backup>("backup", "Scheduled base backups and WAL archiving."),
      key<&Cluster::recovery>("recovery", "Start this cluster from a backup of another."),
      key<&Cluster::external_clusters>("externalClusters", "Clusters that recovery may name.",
                                       {.cnpg = "Cluster.spec.externalClusters"}),
      key<&Cluster::databases>("databases", "The databases of this cluster and their owners."),
      key<&Cluster::roles>("roles",
                           "Further attributes of an owner or user, or roles of their own, by "
                           "name: the fields of CNPG's managed roles.",
                           {.cnpg = "Cluster.spec.managed.roles[]", .partial = true}),
      key<&Cluster::role_secrets>("roleSecrets", "The Secrets that hold the roles' passwords."),
      key<&Cluster::connection_secrets>("connectionSecrets",
                                        "A Secret per database with all an application needs."),
      key<&Cluster::isolation>("isolation", "Who may enter which database."),
      key<&Cluster::defaults>("defaults", "What every database of the cluster gets."),
      key<&Cluster::poolers>("poolers", "PgBouncer poolers in front of the cluster."),
      key<&Cluster::additional_cluster_spec>("additionalClusterSpec",
                                             "Any field of CNPG's Cluster spec, merged over the "
                                             "rest.",
                                             {.cnpg = "Cluster.spec", .partial = true}),
  };
  static const Record kRecord{"Cluster", "One CNPG Cluster; the key is its name.", kKeys};
  return kRecord;
}

}  // namespace dbm::schema
