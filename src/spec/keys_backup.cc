// Rows of `clusters.<name>.backup` and `.recovery`.

#include "spec/checks.h"
#include "spec/keys.h"

namespace dbm::schema {

using namespace spec;


template <>
const Record& record_of<S3Keys>() {
  static const Key kKeys[] = {
      key<&S3Keys::access_key_id>("accessKeyId", "Key of the access key id.",
                                  {.check = check_secret_key}),
      key<&S3Keys::secret_access_key>("secretAccessKey", "Key of the secret access key.",
                                      {.check = check_secret_key}),
      key<&S3Keys::region>("region", "Key of the region.", {.check = check_secret_key}),
  };
  static const Record kRecord{"S3Keys", "The keys inside the S3 Secret.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<S3Credentials>() {
  static const Key kKeys[] = {
      key<&S3Credentials::existing_secret>("existingSecret", "A Secret of yours with the keys.",
                                           {.check = check_dns_subdomain}),
      key<&S3Credentials::keys>("keys", "The names of the keys inside the Secret."),
  };
  static const Record kRecord{"S3Credentials", "Credentials from a Secret of yours.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<S3>() {
  static const Key kKeys[] = {
      key<&S3::bucket>("bucket", "Name of the bucket.", {.example = "my-backups"}),
      key<&S3::path>("path", "Path in the bucket; else the cluster's name."),
      key<&S3::endpoint>("endpoint", "URL of an S3 server other than AWS.",
                         {.check = check_url, .example = "https://minio.example.com:9000"}),
      key<&S3::region>("region", "Region of the bucket.", {.example = "eu-central-1"}),
      key<&S3::access_key_id>("accessKeyId", "Access key id.", {.secret = true}),
      key<&S3::secret_access_key>("secretAccessKey", "Secret access key.", {.secret = true}),
      key<&S3::inherit_from_iam_role>("inheritFromIAMRole",
                                      "Take the credentials from the pod's IAM role."),
      key<&S3::credentials>("credentials", "Credentials from a Secret of yours."),
  };
  static const Record kRecord{"S3", "An S3 bucket.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Azure>() {
  static const Key kKeys[] = {
      key<&Azure::destination_path>("destinationPath", "URL of the container and path.",
                                    {.example = "https://acc.blob.core.windows.net/backups/main"}),
      key<&Azure::endpoint_url>("endpointURL", "URL of another server.", {.check = check_url}),
      key<&Azure::inherit_from_azure_ad>("inheritFromAzureAD", "Use Azure AD Workload Identity."),
      key<&Azure::connection_string>("connectionString", "Connection string.", {.secret = true}),
      key<&Azure::storage_account>("storageAccount", "Storage account."),
      key<&Azure::storage_key>("storageKey", "Key of the storage account.", {.secret = true}),
      key<&Azure::storage_sas_token>("storageSasToken", "Shared access signature.",
                                     {.secret = true}),
  };
  static const Record kRecord{"Azure", "Azure Blob Storage.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Gcs>() {
  static const Key kKeys[] = {
      key<&Gcs::bucket>("bucket", "Name of the bucket."),
      key<&Gcs::path>("path", "Path in the bucket; else the cluster's name."),
      key<&Gcs::gke_environment>("gkeEnvironment", "Use GKE Workload Identity."),
      key<&Gcs::application_credentials>("applicationCredentials",
                                         "JSON key of a service account.", {.secret = true}),
  };
  static const Record kRecord{"Gcs", "Google Cloud Storage.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<VolumeSnapshot>() {
  static const Key kKeys[] = {
      key<&VolumeSnapshot::class_name>("className", "VolumeSnapshotClass.",
                                       {.check = check_dns_subdomain}),
      key<&VolumeSnapshot::online>("online", "Take snapshots of a running instance."),
      key<&VolumeSnapshot::online_configuration>(
          "onlineConfiguration", "immediateCheckpoint and waitForArchive.",
          {.cnpg = "Cluster.spec.backup.volumeSnapshot.onlineConfiguration"}),
      key<&VolumeSnapshot::snapshot_owner_reference>("snapshotOwnerReference",
                                                     "Who owns the snapshots."),
  };
  static const Record kRecord{"VolumeSnapshot", "Volume snapshots.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Backup>() {
  static const Key kKeys[] = {
      key<&Backup::enabled>("enabled", "Take backups of this cluster."),
      key<&Backup::schedule>("schedule", "When: cron with six fields (seconds first).",
                             {.check = check_schedule, .example = "0 0 2 * * *"}),
      key<&Backup::retention_policy>("retentionPolicy", "How long backups are kept: d, w or m.",
                                     {.check = check_retention, .example = "14d"}),
      key<&Backup::method>("method", "barmanObjectStore, volumeSnapshot or plugin."),
      key<&Backup::target>("target", "Which instance is backed up."),
      key<&Backup::suspend>("suspend", "Stop taking scheduled backups."),
      key<&Backup::immediate>("immediate", "Take a first backup at once."),
      key<&Backup::backup_owner_reference>("backupOwnerReference", "Who owns the Backup objects."),
      key<&Backup::destination_path>("destinationPath",
                                     "The object store's URL, instead of bucket and path.",
                                     {.example = "s3://my-backups/main"}),
      key<&Backup::s3>("s3", "Back up to an S3 bucket."),
      key<&Backup::azure>("azure", "Back up to Azure Blob Storage."),
      key<&Backup::gcs>("gcs", "Back up to Google Cloud Storage."),
      key<&Backup::volume_snapshot>("volumeSnapshot", "Back up by volume snapshots."),
      key<&Backup::wal>("wal", "Compression, encryption and parallelism of WAL files.",
                        {.cnpg = "Cluster.spec.backup.barmanObjectStore.wal"}),
      key<&Backup::data>("data", "Compression, encryption and jobs of base backups.",
                         {.cnpg = "Cluster.spec.backup.barmanObjectStore.data"}),
      key<&Backup::tags>("tags", "Tags of the objects.",
                         {.cnpg = "Cluster.spec.backup.barmanObjectStore.tags"}),
      key<&Backup::history_tags>("historyTags", "Tags of the history files.",
                                 {.cnpg = "Cluster.spec.backup.barmanObjectStore.historyTags"}),
      key<&Backup::endpoint_ca>("endpointCA", "CA bundle of the object store: Secret and key.",
                                {.cnpg = "Cluster.spec.backup.barmanObjectStore.endpointCA"}),
  };
  static const Record kRecord{"Backup", "Scheduled base backups and WAL archiving.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<RecoveryTarget>() {
  static const Key kKeys[] = {
      key<&RecoveryTarget::target_time>("targetTime", "Up to this time (RFC 3339).",
                                        {.check = check_target_time,
                                         .example = "2025-01-03T14:30:00Z"}),
      key<&RecoveryTarget::target_xid>("targetXID", "Up to this transaction."),
      key<&RecoveryTarget::target_name>("targetName", "Up to this named restore point."),
      key<&RecoveryTarget::target_lsn>("targetLSN", "Up to this WAL position."),
      key<&RecoveryTarget::target_immediate>("targetImmediate",
                                             "Only until the backup is consistent."),
      key<&RecoveryTarget::backup_id>("backupID", "Start from this base backup."),
      key<&RecoveryTarget::exclusive>("exclusive", "Stop just before the target."),
  };
  static const Record kRecord{"RecoveryTarget", "Where recovery stops.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<RecoveryBackup>() {
  static const Key kKeys[] = {
      key<&RecoveryBackup::name>("name", "Name of the Backup object.",
                                 {.required = true, .check = check_dns_subdomain}),
  };
  static const Record kRecord{"RecoveryBackup", "A Backup object to start from.", kKeys};
  return kRecord;
}

template <>
const Record& record_of<Recovery>() {
  static const Key kKeys[] = {
      key<&Recovery::enabled>("enabled", "Start this cluster from a backup."),
      key<&Recovery::source>("source", "Name of one of externalClusters."),
      key<&Recovery::backup>("backup", "A Backup object, instead of a source."),
      key<&Recovery::database>("database", "The application's database, whose owner is reset.",
                               {.check = check_identifier}),
      key<&Recovery::owner>("owner", "The owner of that database.", {.check = check_identifier}),
      key<&Recovery::secret>("secret", "Secret with the owner's password.",
                             {.cnpg = "Cluster.spec.bootstrap.recovery.secret"}),
      key<&Recovery::recovery_target>("recoveryTarget", "Where recovery stops (PITR)."),
  };
  static const Record kRecord{"Recovery", "Disaster recovery and point-in-time recovery.", kKeys};
  return kRecord;
}

}  // namespace dbm::schema
