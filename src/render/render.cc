#include "render/render.h"

#include <algorithm>
#include <array>
#include <vector>

#include <openssl/evp.h>

#include "base/parallel.h"
#include "render/kinds.h"

namespace dbm::render {
namespace {

/// Helm 3's install order (pkg/releaseutil/kind_sorter.go).
constexpr std::string_view kInstallOrder[] = {
    "PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange",
    "PodSecurityPolicy", "PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList",
    "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
    "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding",
    "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service",
    "DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment",
    "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress",
    "APIService"};

enum class Of : uint8_t { kClusters, kFile };  // what a renderer goes over

struct Renderer {
  std::string_view kind;
  void (*render)(Context&);
  Of of = Of::kClusters;
};

constexpr Renderer kRenderers[] = {
    {"Secret", render_secrets},
    {"Cluster", render_clusters},
    {"ClusterImageCatalog", render_cluster_image_catalogs, Of::kFile},
    {"Database", render_databases},
    {"ExternalSecret", render_external_secrets},
    {"ImageCatalog", render_image_catalogs, Of::kFile},
    {"ObjectStore", render_object_stores},
    {"PodMonitor", render_pod_monitors},
    {"Pooler", render_poolers},
    {"PrometheusRule", render_prometheus_rules},
    {"ScheduledBackup", render_scheduled_backups},
};

/// Appends units of clusters with a hundred databases or more each: small enough to stay in a core's
/// cache from the tree to the text.
void add_units(std::vector<Unit>& out, const Renderer& renderer,
               std::span<const ClusterPlan> clusters) {
  constexpr size_t kDatabases = 100;
  while (!clusters.empty()) {
    size_t count = 0, databases = 0;
    while (count < clusters.size() && databases < kDatabases)
      databases += 1 + clusters[count++].cluster->databases.size();
    out.push_back({renderer.kind, renderer.render, clusters.first(count)});
    clusters = clusters.subspan(count);
  }
}

}  // namespace

int install_rank(std::string_view kind) {
  const auto* found = std::ranges::find(kInstallOrder, kind);
  return static_cast<int>(found - std::begin(kInstallOrder));
}

std::string applyset_id(std::string_view release, std::string_view ns) {
  // base64url(sha256("<name>.<namespace>.<kind>.<group>")) of the parent, a Secret.
  std::string parent = "cnpg-dbm-";
  parent.append(release).append(".").append(ns).append(".Secret.");
  std::array<unsigned char, 32> digest;
  EVP_Digest(parent.data(), parent.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::array<unsigned char, 48> base64;
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  std::string id(reinterpret_cast<const char*>(base64.data()), 43);
  std::ranges::replace(id, '+', '-');
  std::ranges::replace(id, '/', '_');
  return "applyset-" + id + "-v1";
}

std::vector<ClusterPlan> plan_clusters(const spec::Values& values) {
  std::vector<const spec::Cluster*> enabled;
  for (const auto& entry : values.clusters)
    if (entry.value.enabled) enabled.push_back(&entry.value);
  std::vector<ClusterPlan> plans;
  ordered_parallel(
      enabled.size(), worker_count(enabled.size()),
      [&](size_t i) { return ClusterPlan{enabled[i], spec::cluster_roles(*enabled[i])}; },
      [&](ClusterPlan&& plan) { plans.push_back(std::move(plan)); });
  return plans;
}

std::vector<Unit> units(const spec::Values& values, std::span<const ClusterPlan> clusters,
                        const Options& options) {
  std::vector<Unit> out;
  for (const Renderer& renderer : kRenderers) {
    if (renderer.kind == "Secret" && options.judged_only) continue;
    if (renderer.of == Of::kFile)
      out.push_back({renderer.kind, renderer.render, clusters});
    else
      add_units(out, renderer, clusters);
  }
  for (const yaml::Value& extra : values.extra_objects)
    if (extra.find("kind") != nullptr && extra.find_path({"metadata", "name"}) != nullptr)
      out.push_back({extra.find("kind")->text(), nullptr, {}, &extra});
  for (Unit& unit : out) unit.rank = install_rank(unit.kind);
  std::ranges::stable_sort(out, {},
                           [](const Unit& unit) { return std::pair(unit.rank, unit.kind); });
  return out;
}

void render(const spec::Values& values, const Unit& unit, const Options& options,
            const PasswordOf& password, const Sink& sink) {
  Context context(values, unit, options, password, sink);
  if (unit.extra != nullptr)
    context.emit_foreign(*unit.extra, options.ns);
  else
    unit.render(context);
}

}  // namespace dbm::render
