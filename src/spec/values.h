#pragma once

// The values file, typed: one struct a map, one member a key; initialisers are the defaults.
// What each key means: docs/values.md (generated from the rows in keys_*.cc beside this file).
//
// Texts and trees are views into the tree that was decoded (Sources, Arena). A std::string_view
// whose data() is null was not given. Read-only once loaded: any thread.

#include <optional>
#include <string_view>
#include <vector>

#include "schema/record.h"

namespace dbm::spec {

using schema::Dict;
using schema::Located;
using Text = std::string_view;
using Tree = yaml::Value;

// ---- storage ------------------------------------------------------------------------------------

struct Storage : Located {
  Text size = "50Gi";
  Text storage_class;
  Tree pvc_template;
};

struct WalStorage : Located {
  bool enabled = false;
  Text size = "10Gi";
  Text storage_class;
  Tree pvc_template;
};

// ---- monitoring ---------------------------------------------------------------------------------

struct AlertRule : Located {
  Text alert, record, expr, for_, keep_firing_for;
  Dict<Text> labels, annotations;
};

struct PrometheusRule : Located {
  bool enabled = false;
  Dict<Text> labels, annotations;
  Text interval;
  std::vector<AlertRule> rules;
};

struct PodMonitor : Located {
  bool enabled = false;
};

struct Monitoring : Located {
  bool enabled = false;
  PodMonitor pod_monitor;
  PrometheusRule prometheus_rule;
};

// ---- backup and recovery ------------------------------------------------------------------------

enum class BackupMethod : uint8_t { kBarmanObjectStore, kVolumeSnapshot, kPlugin };
enum class BackupTarget : uint8_t { kPreferStandby, kPrimary };
enum class OwnerReference : uint8_t { kNone, kSelf, kCluster };
enum class SnapshotOwner : uint8_t { kNone, kCluster, kBackup };

struct S3Keys : Located {
  Text access_key_id = "ACCESS_KEY_ID";
  Text secret_access_key = "AWS_SECRET_ACCESS_KEY";
  Text region = "AWS_DEFAULT_REGION";
};

struct S3Credentials : Located {
  Text existing_secret;
  S3Keys keys;
};

struct S3 : Located {
  Text bucket, path, endpoint, region, access_key_id, secret_access_key;
  bool inherit_from_iam_role = false;
  S3Credentials credentials;
};

struct Azure : Located {
  Text destination_path, endpoint_url, connection_string, storage_account, storage_key,
      storage_sas_token;
  bool inherit_from_azure_ad = false;
};

struct Gcs : Located {
  Text bucket, path, application_credentials;
  bool gke_environment = false;
};

struct VolumeSnapshot : Located {
  Text class_name;
  std::optional<bool> online;
  Tree online_configuration;
  std::optional<SnapshotOwner> snapshot_owner_reference;
};

struct Backup : Located {
  bool enabled = false;
  Text schedule = "0 0 0 * * *";
  Text retention_policy = "30d";
  BackupMethod method = BackupMethod::kBarmanObjectStore;
  std::optional<BackupTarget> target;
  std::optional<bool> suspend, immediate;
  OwnerReference backup_owner_reference = OwnerReference::kSelf;
  Text destination_path;
  std::optional<S3> s3;
  std::optional<Azure> azure;
  std::optional<Gcs> gcs;
  std::optional<VolumeSnapshot> volume_snapshot;
  Tree wal, data, tags, history_tags, endpoint_ca;
};

struct RecoveryTarget : Located {
  Text target_time, target_xid, target_name, target_lsn, backup_id;
  std::optional<bool> target_immediate, exclusive;
};

struct RecoveryBackup : Located {
  Text name;
};

struct Recovery : Located {
  bool enabled = false;
  Text source, database, owner;
  std::optional<RecoveryBackup> backup;
  Tree secret;
  std::optional<RecoveryTarget> recovery_target;
};

// ---- databases and roles ------------------------------------------------------------------------

struct Limits : Located {
  std::optional<int64_t> connections;
  Text statement_timeout, idle_in_transaction_timeout, lock_timeout, work_mem, temp_file_limit;
};

struct Extension : Located {
  Text name, version, schema;
};

enum class Access : uint8_t { kRead, kWrite };

struct User : Located {
  Text name;
  Access access = Access::kRead;
  Text existing_secret;
};

enum class ReclaimPolicy : uint8_t { kRetain, kDelete };
enum class Ensure : uint8_t { kPresent, kAbsent };

struct Database : Located {
  Text name, owner, encoding, locale, existing_secret, target_namespace;
  std::vector<Extension> extensions;
  std::optional<int64_t> connection_limit;
  Tree schemas;
  std::optional<ReclaimPolicy> reclaim_policy;
  std::optional<Ensure> ensure;
  std::vector<User> users;
  std::optional<Limits> limits;
  Tree additional_database_spec;
};

enum class SecretSource : uint8_t { kGenerate, kDerive, kExternal };

struct ExternalStore : Located {
  Text name = "kubernetes-backend";
  Text kind = "SecretStore";
  Text refresh_interval = "1h";
  Text key_prefix;
};

struct RoleSecrets : Located {
  bool create = true;
  SecretSource source = SecretSource::kGenerate;
  int64_t generation = 1;
  ExternalStore external;
};

struct ConnectionSecrets : Located {
  bool create = true;
  Text cluster_domain = "cluster.local";
};

struct Allow : Located {
  Text role;
  std::vector<Text> databases;
  Text address = "all";
};

struct Isolation : Located {
  bool enabled = true;
  bool require_tls = false;
  std::vector<Allow> allow;
};

struct Defaults : Located {
  std::optional<Limits> limits;
};

// ---- poolers ------------------------------------------------------------------------------------

enum class PoolerType : uint8_t { kRw, kRo, kR };
enum class PoolMode : uint8_t { kSession, kTransaction };

struct PoolerMonitoring : Located {
  bool enable_pod_monitor = false;
  Tree pod_monitor_relabelings, pod_monitor_metric_relabelings;
};

struct Pooler : Located {
  Text name;
  PoolerType type = PoolerType::kRw;
  int64_t instances = 1;
  PoolMode pool_mode = PoolMode::kSession;
  Dict<Text> parameters;
  PoolerMonitoring monitoring;
  Tree template_, deployment_strategy, auth_query_secret, service_template;
  Text auth_query;
  std::vector<Text> pg_hba;
  std::optional<bool> paused;
  Tree additional_pooler_spec;
};

// ---- clusters -----------------------------------------------------------------------------------

struct Cluster : Located {
  Text name;  // the key under `clusters`
  Pos name_pos;
  bool enabled = false;
  int64_t instances = 3;
  Text image_name = "ghcr.io/cloudnative-pg/postgresql:17.2";
  Tree image_catalog_ref;
  Storage storage;
  WalStorage wal_storage;
  Tree resources;
  Text max_connections = "200";
  Text shared_buffers = "256MB";
  Text effective_cache_size = "1GB";
  Text maintenance_work_mem = "64MB";
  Text checkpoint_completion_target = "0.9";
  Text wal_buffers = "16MB";
  Text default_statistics_target = "100";
  Text random_page_cost = "1.1";
  Text effective_io_concurrency = "200";
  Text work_mem = "4MB";
  Text min_wal_size = "1GB";
  Text max_wal_size = "4GB";
  Dict<Text> parameters;
  Tree postgresql;
  Monitoring monitoring;
  Tree initdb;
  Backup backup;
  Recovery recovery;
  Tree external_clusters;
  std::vector<Database> databases;
  Dict<Tree> roles;
  RoleSecrets role_secrets;
  ConnectionSecrets connection_secrets;
  Isolation isolation;
  Defaults defaults;
  std::vector<Pooler> poolers;
  Tree additional_cluster_spec;
};

// ---- the file -----------------------------------------------------------------------------------

enum class CatalogKind : uint8_t { kImageCatalog, kClusterImageCatalog };

struct CatalogImage : Located {
  int64_t major = 0;
  Text image;
};

struct ImageCatalog : Located {
  bool enabled = true;
  CatalogKind kind = CatalogKind::kImageCatalog;
  Dict<Text> labels, annotations;
  std::vector<CatalogImage> images;
};

struct Values : Located {
  Dict<Cluster> clusters;
  Dict<ImageCatalog> image_catalogs;
  std::vector<Tree> extra_objects;
  Text name_override, fullname_override;
};

}  // namespace dbm::spec
