#include "local/backup_store.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/files.h"

namespace dbm::local {
namespace {

using Options = std::map<std::string, std::string>;

std::string given_or_environment(spec::Text given, const char* name) {
  if (!given.empty()) return std::string(given);
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string rooted(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return "/" + std::string(path);
}

std::string without_scheme(std::string_view url) {
  const size_t scheme = url.find("://");
  return std::string(scheme == url.npos ? url : url.substr(scheme + 3));
}

Error no_credentials(std::string_view what, std::string_view names) {
  return {fmt::format("the values file keeps {} in a Kubernetes Secret", what),
          fmt::format("set {}, or leave --remote-backups out: backups go into a folder then", names)};
}

Result<Options> s3(const spec::S3& s, std::string_view cluster) {
  const std::string region = given_or_environment(s.region, "AWS_REGION");
  Options out = {{"repo1-type", "s3"},
                 {"repo1-path", rooted(s.path.empty() ? cluster : s.path)},
                 {"repo1-s3-bucket", std::string(s.bucket)},
                 {"repo1-s3-region", region.empty() ? "us-east-1" : region},
                 {"repo1-s3-endpoint", s.endpoint.empty()
                                           ? fmt::format("s3.{}.amazonaws.com", region.empty() ? "us-east-1" : region)
                                           : without_scheme(s.endpoint)}};
  if (!s.endpoint.empty()) out["repo1-s3-uri-style"] = "path";
  if (s.inherit_from_iam_role) {
    out["repo1-s3-key-type"] = "auto";
    return out;
  }
  out["repo1-s3-key"] = given_or_environment(s.access_key_id, "AWS_ACCESS_KEY_ID");
  out["repo1-s3-key-secret"] = given_or_environment(s.secret_access_key, "AWS_SECRET_ACCESS_KEY");
  if (out["repo1-s3-key"].empty() || out["repo1-s3-key-secret"].empty())
    return no_credentials("the S3 keys", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  return out;
}

Result<Options> azure(const spec::Azure& a, std::string_view cluster) {
  // https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH
  const std::string url = without_scheme(a.destination_path);
  const size_t host = url.find('/');
  const size_t container = host == url.npos ? url.npos : url.find('/', host + 1);
  std::string account = given_or_environment(a.storage_account, "AZURE_STORAGE_ACCOUNT");
  if (account.empty()) account = url.substr(0, url.find('.'));
  Options out = {{"repo1-type", "azure"},
                 {"repo1-azure-account", account},
                 {"repo1-azure-container", host == url.npos ? "" : url.substr(host + 1, container == url.npos ? url.npos : container - host - 1)},
                 {"repo1-path", rooted(container == url.npos ? cluster : std::string_view(url).substr(container + 1))}};
  if (!a.endpoint_url.empty()) out["repo1-azure-endpoint"] = without_scheme(a.endpoint_url);
  const std::string token = given_or_environment(a.storage_sas_token, "AZURE_STORAGE_SAS_TOKEN");
  out["repo1-azure-key-type"] = token.empty() ? "shared" : "sas";
  out["repo1-azure-key"] = token.empty() ? given_or_environment(a.storage_key, "AZURE_STORAGE_KEY") : token;
  if (out["repo1-azure-key"].empty())
    return no_credentials("the Azure key", "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN");
  return out;
}

Result<Options> gcs(const spec::Gcs& g, std::string_view cluster, const std::filesystem::path& folder) {
  Options out = {{"repo1-type", "gcs"},
                 {"repo1-gcs-bucket", std::string(g.bucket)},
                 {"repo1-path", rooted(g.path.empty() ? cluster : g.path)}};
  if (g.application_credentials.empty()) {
    const char* file = std::getenv("GOOGLE_APPLICATION_CREDENTIALS");
    if (file == nullptr && !g.gke_environment)
      return no_credentials("Google's credentials", "GOOGLE_APPLICATION_CREDENTIALS");
    if (file != nullptr) out["repo1-gcs-key"] = file;
    else out["repo1-gcs-key-type"] = "auto";
    return out;
  }
  const std::filesystem::path key = folder / "gcs-key.json";
  if (auto written = write_if_changed(key, g.application_credentials, 0600); !written)
    return std::move(written).error();
  out["repo1-gcs-key"] = key.string();
  return out;
}

}  // namespace

Options folder_store(const std::filesystem::path& folder) {
  return {{"repo1-type", "posix"}, {"repo1-path", folder.string()}};
}

Result<Options> object_store(const spec::Backup& backup, std::string_view cluster,
                             const std::filesystem::path& folder) {
  if (backup.s3) return s3(*backup.s3, cluster);
  if (backup.azure) return azure(*backup.azure, cluster);
  if (backup.gcs) return gcs(*backup.gcs, cluster, folder);
  return Error{"the values file names no object store for backups",
               "leave --remote-backups out: backups go into a folder then"};
}

}  // namespace dbm::local
