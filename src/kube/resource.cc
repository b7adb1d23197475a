#include "kube/resource.h"

#include <algorithm>
#include <iterator>

#include "secrets/connection.h"

namespace dbm::kube {
namespace {

struct Row {
  std::string_view group, version, kind, plural;
  bool namespaced = true;
};

constexpr std::string_view kCnpg = "postgresql.cnpg.io";

constexpr Row kRows[] = {
    {"", "v1", "Secret", "secrets"},
    {"", "v1", "ConfigMap", "configmaps"},
    {"", "v1", "Namespace", "namespaces", false},
    {"", "v1", "Service", "services"},
    {"", "v1", "ServiceAccount", "serviceaccounts"},
    {"", "v1", "Pod", "pods"},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"},
    {"", "v1", "ResourceQuota", "resourcequotas"},
    {"apps", "v1", "Deployment", "deployments"},
    {kCnpg, "v1", "Cluster", "clusters"},
    {kCnpg, "v1", "Database", "databases"},
    {kCnpg, "v1", "DatabaseRole", "databaseroles"},
    {kCnpg, "v1", "Pooler", "poolers"},
    {kCnpg, "v1", "Backup", "backups"},
    {kCnpg, "v1", "ScheduledBackup", "scheduledbackups"},
    {kCnpg, "v1", "ImageCatalog", "imagecatalogs"},
    {kCnpg, "v1", "ClusterImageCatalog", "clusterimagecatalogs", false},
    {kCnpg, "v1", "Publication", "publications"},
    {kCnpg, "v1", "Subscription", "subscriptions"},
    {"monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"},
    {"monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"},
    {"external-secrets.io", "v1", "ExternalSecret", "externalsecrets"},
    {"external-secrets.io", "v1", "SecretStore", "secretstores"},
    {"barmancloud.cnpg.io", "v1", "ObjectStore", "objectstores"},
    {"rbac.authorization.k8s.io", "v1", "Role", "roles"},
    {"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"},
    {"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"},
};

template <class Fits>
std::optional<Resource> find(const Fits& fits) {
  const auto* row = std::ranges::find_if(kRows, fits);
  if (row == std::end(kRows)) return std::nullopt;
  return Resource{std::string(row->group), std::string(row->version), std::string(row->kind),
                  std::string(row->plural), row->namespaced};
}

}  // namespace

std::pair<std::string_view, std::string_view> split_api_version(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  if (slash == api_version.npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

std::optional<Resource> well_known(std::string_view api_version, std::string_view kind) {
  const auto at = split_api_version(api_version);
  return find([&](const Row& row) { return row.kind == kind && std::pair(row.group, row.version) == at; });
}

std::optional<Resource> well_known_group_kind(std::string_view group_kind) {
  const size_t dot = group_kind.find('.');
  const std::string_view kind = group_kind.substr(0, dot);
  const std::string_view group = dot == group_kind.npos ? "" : group_kind.substr(dot + 1);
  return find([&](const Row& row) { return row.kind == kind && row.group == group; });
}

std::string path_of(const Resource& resource, std::string_view ns, std::string_view name,
                    std::string_view subresource) {
  std::string out = resource.group.empty() ? "/api/" : "/apis/" + resource.group + "/";
  out += resource.version;
  const auto segment = [&](std::string_view text) {
    out += '/';
    secrets::append_percent_encoded(out, text);
  };
  if (resource.namespaced && !ns.empty()) {
    out += "/namespaces";
    segment(ns);
  }
  segment(resource.plural);
  if (!name.empty()) segment(name);
  if (!subresource.empty()) segment(subresource);
  return out;
}

Query& Query::add(std::string_view key, std::string_view value) {
  text_ += text_.empty() ? '?' : '&';
  text_ += key;
  text_ += '=';
  secrets::append_percent_encoded(text_, value);
  return *this;
}

}  // namespace dbm::kube
