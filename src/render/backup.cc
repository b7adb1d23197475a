// Backups: spec.backup and spec.plugins of a Cluster, ObjectStore and ScheduledBackup objects.

#include "render/kinds.h"
#include "spec/keys.h"
#include "spec/names.h"
#include "spec/stores.h"

namespace dbm::render {
namespace {

using spec::Backup;
using spec::BackupMethod;
using spec::Cluster;

constexpr std::string_view kPlugin = "barman-cloud.cloudnative-pg.io";

bool given(spec::Text text) { return text.data() != nullptr && !text.empty(); }

std::string_view store_name(yaml::Arena& arena, const Cluster& c) {
  return arena.concat({c.name, "-backup"});
}

Map secret_key(yaml::Arena& arena, std::string_view secret, std::string_view key) {
  Map out(arena, 2);
  out.copy("name", secret).set("key", key);
  return out;
}

Map s3_credentials(yaml::Arena& arena, const Cluster& c, const spec::S3& s3) {
  Map out(arena, 3);
  if (s3.inherit_from_iam_role) return std::move(out.set("inheritFromIAMRole", true));
  const std::string own = spec::backup_secret_name(c.name);
  const std::string_view secret =
      given(s3.credentials.existing_secret) ? s3.credentials.existing_secret : own;
  const spec::S3Keys& keys = s3.credentials.keys;
  out.set("accessKeyId", secret_key(arena, secret, keys.access_key_id))
      .set("secretAccessKey", secret_key(arena, secret, keys.secret_access_key));
  if (given(s3.region)) out.set("region", secret_key(arena, secret, keys.region));
  return out;
}

Map azure_credentials(yaml::Arena& arena, const Cluster& c, const spec::Azure& azure) {
  Map out(arena, 3);
  if (azure.inherit_from_azure_ad) return std::move(out.set("inheritFromAzureAD", true));
  const std::string secret = spec::backup_secret_name(c.name);
  const bool by_account = given(azure.storage_account) && !given(azure.connection_string);
  if (!by_account)
    return std::move(
        out.set("connectionString", secret_key(arena, secret, "AZURE_CONNECTION_STRING")));
  out.set("storageAccount", secret_key(arena, secret, "AZURE_STORAGE_ACCOUNT"));
  if (given(azure.storage_sas_token))
    out.set("storageSasToken", secret_key(arena, secret, "AZURE_STORAGE_SAS_TOKEN"));
  else
    out.set("storageKey", secret_key(arena, secret, "AZURE_STORAGE_KEY"));
  return out;
}

Map gcs_credentials(yaml::Arena& arena, const Cluster& c, const spec::Gcs& gcs) {
  Map out(arena, 1);
  if (gcs.gke_environment) return std::move(out.set("gkeEnvironment", true));
  return std::move(out.set("applicationCredentials",
                           secret_key(arena, spec::backup_secret_name(c.name),
                                      "APPLICATION_CREDENTIALS")));
}

/// The same fields in a Cluster's barmanObjectStore and in an ObjectStore's configuration.
Map barman_configuration(yaml::Arena& arena, const Cluster& c) {
  const Backup& b = c.backup;
  const auto store = spec::object_store(c);
  Map out(arena, 8);
  out.copy("destinationPath", store->destination_path, store->pos);
  if (b.s3) {
    if (given(b.s3->endpoint)) out.set("endpointURL", b.s3->endpoint, b.s3->pos("endpoint"));
    out.set("s3Credentials", s3_credentials(arena, c, *b.s3));
  } else if (b.azure) {
    if (given(b.azure->endpoint_url))
      out.set("endpointURL", b.azure->endpoint_url, b.azure->pos("endpointURL"));
    out.set("azureCredentials", azure_credentials(arena, c, *b.azure));
  } else if (b.gcs) {
    out.set("googleCredentials", gcs_credentials(arena, c, *b.gcs));
  }
  return std::move(out.set("endpointCA", b.endpoint_ca)
                       .set("wal", b.wal)
                       .set("data", b.data)
                       .set("tags", b.tags)
                       .set("historyTags", b.history_tags));
}

Map volume_snapshot(yaml::Arena& arena, const Backup& b) {
  Map out(arena);
  if (!b.volume_snapshot) return out;
  const spec::VolumeSnapshot& v = *b.volume_snapshot;
  if (given(v.class_name)) out.set("className", v.class_name, v.pos("className"));
  out.set("online", v.online, v.pos("online"))
      .set("onlineConfiguration", v.online_configuration)
      .set("snapshotOwnerReference", v.snapshot_owner_reference,
           v.pos("snapshotOwnerReference"));
  return out;
}

/// Six fields, as CNPG reads them.
std::string_view schedule(yaml::Arena& arena, const Backup& b) {
  size_t fields = 0;
  bool in_word = false;
  for (const char c : b.schedule) {
    const bool space = c == ' ' || c == '\t';
    if (!space && !in_word) ++fields;
    in_word = !space;
  }
  if (fields != 5 || b.schedule.starts_with('@')) return b.schedule;
  return arena.concat({"0 ", b.schedule});
}

}  // namespace

void add_backup(Map& spec, const Cluster& c) {
  if (!spec::backs_up(c)) return;
  yaml::Arena& arena = spec.arena();
  const Backup& b = c.backup;
  if (b.method == BackupMethod::kPlugin) {
    Map plugin(arena, 3);
    plugin.set("name", kPlugin).set("isWALArchiver", true);
    plugin.map("parameters", 1).set("barmanObjectName", store_name(arena, c));
    spec.set("plugins", List(arena).add(plugin).value().at(b.pos("method")));
    return;
  }
  Map backup = spec.map("backup", 4);
  backup.set("target", b.target, b.pos("target"));
  if (b.method == BackupMethod::kVolumeSnapshot) {
    backup.set("volumeSnapshot", volume_snapshot(arena, b));
    if (spec::object_store(c)) backup.set("barmanObjectStore", barman_configuration(arena, c));
  } else {
    backup.set("barmanObjectStore", barman_configuration(arena, c));
  }
  backup.set("retentionPolicy", b.retention_policy, b.pos("retentionPolicy"));
}

void render_object_stores(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    if (c.backup.method != BackupMethod::kPlugin || !spec::backs_up(c)) continue;
    Map object = context.object("barmancloud.cnpg.io/v1", "ObjectStore",
                                store_name(context.arena, c), context.options.ns,
                                {.cluster = c.name}, c.pos("backup"));
    Map spec = object.map("spec", 2);
    spec.set("configuration", barman_configuration(context.arena, c));
    spec.set("retentionPolicy", c.backup.retention_policy, c.backup.pos("retentionPolicy"));
    context.emit(object);
  }
}

void render_scheduled_backups(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    const Backup& b = c.backup;
    if (!spec::backs_up(c)) continue;
    yaml::Arena& arena = context.arena;
    Map object = context.object(kCnpgApi, "ScheduledBackup",
                                arena.concat({c.name, "-scheduled-backup"}), context.options.ns,
                                {.cluster = c.name}, c.pos("backup"));
    Map spec = object.map("spec", 10);
    spec.map("cluster", 1).set("name", c.name);
    spec.set("schedule", schedule(arena, b), b.pos("schedule"))
        .set("backupOwnerReference", b.backup_owner_reference, b.pos("backupOwnerReference"))
        .set("method", b.method, b.pos("method"))
        .set("target", b.target, b.pos("target"))
        .set("suspend", b.suspend, b.pos("suspend"))
        .set("immediate", b.immediate, b.pos("immediate"));
    if (b.method == BackupMethod::kPlugin)
      spec.map("pluginConfiguration", 1).set("name", kPlugin);
    if (b.method == BackupMethod::kVolumeSnapshot && b.volume_snapshot)
      spec.set("online", b.volume_snapshot->online, b.volume_snapshot->pos("online"))
          .set("onlineConfiguration", b.volume_snapshot->online_configuration);
    context.emit(object);
  }
}

}  // namespace dbm::render
