#pragma once

// The rows of every record of values.h (defined in keys_*.cc): the schema of the values file.

#include "schema/decode.h"
#include "spec/values.h"

namespace dbm::schema {

#define DBM_ENUM(E, ...)                                             \
  template <>                                                        \
  struct EnumNames<E> {                                              \
    static constexpr std::string_view kNames[] = {__VA_ARGS__};      \
  }
DBM_ENUM(spec::BackupMethod, "barmanObjectStore", "volumeSnapshot", "plugin");
DBM_ENUM(spec::BackupTarget, "prefer-standby", "primary");
DBM_ENUM(spec::OwnerReference, "none", "self", "cluster");
DBM_ENUM(spec::SnapshotOwner, "none", "cluster", "backup");
DBM_ENUM(spec::Access, "read", "write");
DBM_ENUM(spec::ReclaimPolicy, "retain", "delete");
DBM_ENUM(spec::Ensure, "present", "absent");
DBM_ENUM(spec::SecretSource, "generate", "derive", "external");
DBM_ENUM(spec::PoolerType, "rw", "ro", "r");
DBM_ENUM(spec::PoolMode, "session", "transaction");
DBM_ENUM(spec::CatalogKind, "ImageCatalog", "ClusterImageCatalog");
#undef DBM_ENUM

#define DBM_RECORD(T) \
  template <>         \
  const Record& record_of<spec::T>()
DBM_RECORD(Storage);
DBM_RECORD(WalStorage);
DBM_RECORD(AlertRule);
DBM_RECORD(PrometheusRule);
DBM_RECORD(PodMonitor);
DBM_RECORD(Monitoring);
DBM_RECORD(S3Keys);
DBM_RECORD(S3Credentials);
DBM_RECORD(S3);
DBM_RECORD(Azure);
DBM_RECORD(Gcs);
DBM_RECORD(VolumeSnapshot);
DBM_RECORD(Backup);
DBM_RECORD(RecoveryTarget);
DBM_RECORD(RecoveryBackup);
DBM_RECORD(Recovery);
DBM_RECORD(Limits);
DBM_RECORD(Extension);
DBM_RECORD(User);
DBM_RECORD(Database);
DBM_RECORD(ExternalStore);
DBM_RECORD(RoleSecrets);
DBM_RECORD(ConnectionSecrets);
DBM_RECORD(Allow);
DBM_RECORD(Isolation);
DBM_RECORD(Defaults);
DBM_RECORD(PoolerMonitoring);
DBM_RECORD(Pooler);
DBM_RECORD(Cluster);
DBM_RECORD(CatalogImage);
DBM_RECORD(ImageCatalog);
DBM_RECORD(Values);
#undef DBM_RECORD

}  // namespace dbm::schema
