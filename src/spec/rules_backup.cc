// Backups and recovery: a store, one only, of its own; a source, a target.

#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.h"
#include "spec/names.h"
#include "spec/rules.h"
#include "spec/stores.h"
#include "yaml/at.h"

namespace dbm::spec {
namespace {

bool given(Text text) { return !text.empty(); }

void check_one_store(const Cluster& c, const RuleContext& context) {
  const Backup& b = c.backup;
  const int stores = (b.s3 ? 1 : 0) + (b.azure ? 1 : 0) + (b.gcs ? 1 : 0);
  if (stores > 1)
    context.out.error("two-stores", c.pos("backup"), path_of(c, "backup"),
                      "s3, azure and gcs exclude each other",
                      "a cluster backs up to one object store; keep one of them");
}

void check_s3(const Cluster& c, const S3& s3, const RuleContext& context) {
  if (!given(s3.bucket) && !given(c.backup.destination_path))
    context.out.error("missing-key", c.backup.pos("s3"), path_of(c, "backup.s3.bucket"),
                      "an S3 store needs a bucket");
  if (given(s3.access_key_id) != given(s3.secret_access_key))
    context.out.error("half-credentials", s3.at.pos(), path_of(c, "backup.s3"),
                      "accessKeyId and secretAccessKey go together", "give both or neither");
  if (s3.inherit_from_iam_role && (given(s3.access_key_id) || given(s3.credentials.existing_secret)))
    context.out.error("two-credentials", s3.pos("inheritFromIAMRole"), path_of(c, "backup.s3"),
                      "inheritFromIAMRole and keys exclude each other");
}

void check_azure(const Cluster& c, const Azure& azure, const RuleContext& context) {
  if (!given(azure.destination_path) && !given(c.backup.destination_path))
    context.out.error("missing-key", azure.at.pos(), path_of(c, "backup.azure.destinationPath"),
                      "an Azure store needs its destinationPath");
  const bool keys = given(azure.connection_string) || given(azure.storage_account) ||
                    given(azure.storage_key) || given(azure.storage_sas_token);
  if (azure.inherit_from_azure_ad && keys)
    context.out.error("two-credentials", azure.pos("inheritFromAzureAD"),
                      path_of(c, "backup.azure"), "inheritFromAzureAD and keys exclude each other");
  const int ways = (given(azure.connection_string) ? 1 : 0) +
                   (given(azure.storage_key) ? 1 : 0) + (given(azure.storage_sas_token) ? 1 : 0);
  if (ways > 1)
    context.out.error("two-credentials", azure.at.pos(), path_of(c, "backup.azure"),
                      "connectionString, storageKey and storageSasToken exclude each other");
  if ((given(azure.storage_key) || given(azure.storage_sas_token)) && !given(azure.storage_account))
    context.out.error("half-credentials", azure.at.pos(), path_of(c, "backup.azure"),
                      "storageKey and storageSasToken need storageAccount");
}

void check_gcs(const Cluster& c, const Gcs& gcs, const RuleContext& context) {
  if (!given(gcs.bucket) && !given(c.backup.destination_path))
    context.out.error("missing-key", gcs.at.pos(), path_of(c, "backup.gcs.bucket"),
                      "a Google store needs a bucket");
  if (gcs.gke_environment && given(gcs.application_credentials))
    context.out.error("two-credentials", gcs.pos("gkeEnvironment"), path_of(c, "backup.gcs"),
                      "gkeEnvironment and applicationCredentials exclude each other");
}

/// Credentials that the user has to bring, and the keys they need.
void warn_missing_secret(const Cluster& c, const RuleContext& context) {
  if (!uses_backup_secret(c) || makes_backup_secret(c)) return;
  const Backup& b = c.backup;
  std::string keys;
  if (b.s3) {
    const S3Keys& k = b.s3->credentials.keys;
    keys = fmt::format("{}, {}", k.access_key_id, k.secret_access_key);
    if (given(b.s3->region)) keys += fmt::format(", {}", k.region);
  } else {
    keys = b.azure ? "AZURE_CONNECTION_STRING" : "APPLICATION_CREDENTIALS";
  }
  context.out.warning("missing-credentials", c.pos("backup"), path_of(c, "backup"),
                      fmt::format("no credentials are given: the Secret \"{}\" must be there with "
                                  "the keys {}",
                                  backup_secret_name(c.name), keys),
                      "give the keys, name an existing Secret, or inherit them from the cloud");
}

/// Targets of recovery that exclude each other.
void check_target(const Cluster& c, const RecoveryTarget& t, const RuleContext& context) {
  struct Target {
    std::string_view key;
    bool given;
  };
  const std::array<Target, 5> targets = {{{"targetTime", given(t.target_time)},
                                          {"targetXID", given(t.target_xid)},
                                          {"targetName", given(t.target_name)},
                                          {"targetLSN", given(t.target_lsn)},
                                          {"targetImmediate", t.target_immediate.value_or(false)}}};
  const Target* first = nullptr;
  for (const Target& target : targets) {
    if (!target.given) continue;
    const std::string path = path_of(c, fmt::format("recovery.recoveryTarget.{}", target.key));
    if (first != nullptr) {
      Diagnostic& d = context.out.error(
          "two-targets", t.pos(target.key), path,
          fmt::format("{} and {} exclude each other", first->key, target.key),
          "recovery stops at one target; keep one of them");
      d.related = t.pos(first->key);
      d.related_message = "the other one";
    }
    first = &target;
    const bool by_time = target.key == "targetTime" || target.key == "targetLSN";
    if (!by_time && !given(t.backup_id))
      context.out.error("missing-key", t.pos(target.key), path,
                        fmt::format("{} needs backupID", target.key),
                        "CloudNativePG cannot tell which base backup comes before it");
  }
}

/// The barmanObjectStore.destinationPath of an external cluster, or empty.
std::string_view external_destination(const Tree& external) {
  return text_at(external, {"barmanObjectStore", "destinationPath"});
}

std::string_view trimmed(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

}  // namespace

void check_backup(const Cluster& c, const RuleContext& context) {
  const Backup& b = c.backup;
  if (!b.enabled) return;
  check_one_store(c, context);
  if (b.s3) check_s3(c, *b.s3, context);
  if (b.azure) check_azure(c, *b.azure, context);
  if (b.gcs) check_gcs(c, *b.gcs, context);
  if (b.method == BackupMethod::kVolumeSnapshot && !b.volume_snapshot)
    context.out.warning("snapshot-class", b.pos("method"), path_of(c, "backup.volumeSnapshot"),
                        "volumeSnapshot.className is not given: the default class is used");
  if (b.method != BackupMethod::kVolumeSnapshot && b.volume_snapshot)
    context.out.warning("unused-key", b.pos("volumeSnapshot"), path_of(c, "backup.volumeSnapshot"),
                        "volumeSnapshot does nothing without method: volumeSnapshot");
  if (!backs_up(c) && b.method != BackupMethod::kVolumeSnapshot && !b.s3 && !b.azure && !b.gcs)
    context.out.warning("no-store", b.at.pos(), path_of(c, "backup"),
                        fmt::format("nothing backs up \"{}\": backup is enabled and names no store",
                                    c.name),
                        "give s3, azure, gcs or method: volumeSnapshot");
  warn_missing_secret(c, context);
  if (b.method == BackupMethod::kBarmanObjectStore && backs_up(c) &&
      !cnpg::exists("Cluster.spec.backup.barmanObjectStore", context.version))
    context.out.error("gone-from-cnpg", b.at.pos(), path_of(c, "backup.method"),
                      "this CNPG version has no barmanObjectStore any more", "use method: plugin");
}

void check_destinations(const RuleContext& context) {
  std::unordered_map<std::string, const Cluster*> seen;
  for (const auto& entry : context.values.clusters) {
    const Cluster& c = entry.value;
    if (!c.enabled || !c.backup.enabled) continue;
    const auto store = object_store(c);
    if (!store || store->destination_path.empty()) continue;
    const auto [first, fresh] = seen.emplace(trimmed(store->destination_path), &c);
    if (fresh) continue;
    Diagnostic& d = context.out.error(
        "same-destination", store->pos, path_of(c, "backup"),
        fmt::format("the clusters \"{}\" and \"{}\" both back up to {}", first->second->name,
                    c.name, store->destination_path),
        "they would overwrite each other's backups; give each a path of its own");
    d.related = object_store(*first->second)->pos;
    d.related_message = "first here";
  }
}

void check_recovery(const Cluster& c, const RuleContext& context) {
  const Recovery& r = c.recovery;
  if (!r.enabled) return;
  const bool source = given(r.source);
  if (source == r.backup.has_value())
    context.out.error("recovery-source", r.at.pos(), path_of(c, "recovery"),
                      source ? "source and backup exclude each other"
                             : "recovery needs a source or a backup",
                      "name one of externalClusters, or a Backup object");
  if (given(r.database) != given(r.owner))
    context.out.error("missing-key", r.at.pos(), path_of(c, "recovery"),
                      "database and owner go together");
  if (r.recovery_target) check_target(c, *r.recovery_target, context);
  if (!source) return;

  const Tree* found = nullptr;
  std::vector<std::string_view> names;
  const auto look = [&](const Tree& list) {
    for (const Tree& external : list.items())
      if (const Tree* name = external.find("name")) {
        names.push_back(name->text());
        if (name->text() == r.source) found = &external;
      }
  };
  look(c.external_clusters);
  if (const Tree* more = c.additional_cluster_spec.find("externalClusters")) look(*more);
  if (found == nullptr) {
    context.out.error("recovery-source", r.pos("source"), path_of(c, "recovery.source"),
                      fmt::format("externalClusters has no \"{}\"", printable(r.source)),
                      did_you_mean(r.source, names));
    return;
  }
  const auto store = object_store(c);
  const std::string_view from = trimmed(external_destination(*found));
  if (c.backup.enabled && store && !from.empty() && trimmed(store->destination_path) == from) {
    const Tree* server = found->find_path({"barmanObjectStore", "serverName"});
    if (server == nullptr || server->text() == c.name)
      context.out.error("same-destination", store->pos, path_of(c, "backup"),
                        "this cluster would back up to where it is recovered from",
                        "CloudNativePG refuses to write over another cluster's WAL; give the "
                        "backup another path");
  }
}

}  // namespace dbm::spec
