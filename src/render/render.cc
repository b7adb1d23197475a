#include "render/render.h"

#include <algorithm>
#include <array>
#include <vector>

#include <openssl/evp.h>

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

struct Renderer {
  std::string_view kind;
  void (*render)(Context&);
};

constexpr Renderer kRenderers[] = {
    {"Secret", render_secrets},
    {"Cluster", render_clusters},
    {"ClusterImageCatalog", render_cluster_image_catalogs},
    {"Database", render_databases},
    {"ExternalSecret", render_external_secrets},
    {"ImageCatalog", render_image_catalogs},
    {"ObjectStore", render_object_stores},
    {"PodMonitor", render_pod_monitors},
    {"Pooler", render_poolers},
    {"PrometheusRule", render_prometheus_rules},
    {"ScheduledBackup", render_scheduled_backups},
};

/// A renderer or one of the file's extra objects, to be sorted.
struct Step {
  std::string_view kind;
  void (*render)(Context&);
  const yaml::Value* extra;
};

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
  std::vector<ClusterPlan> plans;
  for (const auto& entry : values.clusters)
    if (entry.value.enabled) plans.push_back({&entry.value, spec::cluster_roles(entry.value)});
  return plans;
}

void render(const spec::Values& values, std::span<const ClusterPlan> clusters,
            const Options& options, const PasswordOf& password, const Sink& sink) {
  std::vector<Step> steps;
  for (const Renderer& r : kRenderers) steps.push_back({r.kind, r.render, nullptr});
  for (const yaml::Value& extra : values.extra_objects)
    steps.push_back({extra.find("kind")->text(), nullptr, &extra});
  std::ranges::stable_sort(steps, {}, [](const Step& step) {
    return std::pair(install_rank(step.kind), step.kind);
  });

  Context context(values, clusters, options, password, sink);
  for (const Step& step : steps) {
    if (step.extra != nullptr)
      context.emit_foreign(*step.extra, options.ns);
    else if (options.secrets || step.kind != "Secret")
      step.render(context);
  }
}

}  // namespace dbm::render
