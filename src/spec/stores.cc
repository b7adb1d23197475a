#include "spec/stores.h"

#include "spec/names.h"

namespace dbm::spec {
namespace {

bool given(Text text) { return text.data() != nullptr && !text.empty(); }

/// Appends a path without slashes at its ends and without doubled ones.
void append_path(std::string& url, std::string_view path) {
  bool slash = false;
  const size_t start = url.size();
  for (const char c : path) {
    if (c == '/') {
      slash = url.size() > start;
      continue;
    }
    if (slash) url += '/';
    slash = false;
    url += c;
  }
}

/// scheme://bucket/path, slashes not doubled; the path is the cluster's name when not given.
std::string bucket_url(std::string_view scheme, Text bucket, Text path, Text cluster) {
  std::string url(scheme);
  append_path(url, bucket);
  url += '/';
  append_path(url, given(path) ? path : cluster);
  if (url.ends_with('/')) url.pop_back();
  return url;
}

StoreKind kind_of_url(std::string_view url) {
  if (url.starts_with("gs://")) return StoreKind::kGcs;
  if (url.starts_with("http")) return StoreKind::kAzure;
  return StoreKind::kS3;
}

}  // namespace

std::optional<Store> object_store(const Cluster& c) {
  const Backup& b = c.backup;
  std::optional<Store> store;
  if (b.s3)
    store = {StoreKind::kS3, given(b.s3->bucket) ? bucket_url("s3://", b.s3->bucket, b.s3->path, c.name) : "",
             b.pos("s3")};
  else if (b.azure)
    store = {StoreKind::kAzure, std::string(b.azure->destination_path), b.pos("azure")};
  else if (b.gcs)
    store = {StoreKind::kGcs, given(b.gcs->bucket) ? bucket_url("gs://", b.gcs->bucket, b.gcs->path, c.name) : "",
             b.pos("gcs")};
  if (given(b.destination_path)) {
    if (!store) store = {kind_of_url(b.destination_path), {}, {}};
    store->destination_path = b.destination_path;
    store->pos = b.pos("destinationPath");
  }
  return store;
}

bool backs_up(const Cluster& c) {
  if (!c.backup.enabled) return false;
  if (c.backup.method == BackupMethod::kVolumeSnapshot) return true;
  const auto store = object_store(c);
  return store && !store->destination_path.empty();
}

bool uses_backup_secret(const Cluster& c) {
  const Backup& b = c.backup;
  if (!backs_up(c) || !object_store(c)) return false;
  if (b.s3) return !b.s3->inherit_from_iam_role && !given(b.s3->credentials.existing_secret);
  if (b.azure) return !b.azure->inherit_from_azure_ad;
  if (b.gcs) return !b.gcs->gke_environment;
  return false;
}

bool makes_backup_secret(const Cluster& c) {
  if (!uses_backup_secret(c)) return false;
  const Backup& b = c.backup;
  if (b.s3) return given(b.s3->access_key_id) && given(b.s3->secret_access_key);
  if (b.azure)
    return given(b.azure->connection_string) ||
           (given(b.azure->storage_account) &&
            (given(b.azure->storage_key) || given(b.azure->storage_sas_token)));
  return b.gcs && given(b.gcs->application_credentials);
}

}  // namespace dbm::spec
