#pragma once

// Where a cluster's backups go: the one object store of its `backup`, whichever way it is written.

#include <optional>
#include <string>

#include "spec/values.h"

namespace dbm::spec {

enum class StoreKind : uint8_t { kS3, kAzure, kGcs };

struct Store {
  StoreKind kind;
  std::string destination_path;  // s3://bucket/path, gs://bucket/path or Azure's URL
  Pos pos;
};

/// The object store, or nothing when the file names none (or more than one: an error elsewhere).
std::optional<Store> object_store(const Cluster& cluster);

/// True when backups are on and have somewhere to go.
bool backs_up(const Cluster& cluster);

/// True when S3, Azure or GCS credentials are to come from `<cluster>-backup-creds`.
bool uses_backup_secret(const Cluster& cluster);
/// True when the file holds those credentials, so that the Secret is ours to make.
bool makes_backup_secret(const Cluster& cluster);

}  // namespace dbm::spec
