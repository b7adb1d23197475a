#include "release/wanted.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "release/tree.h"

namespace dbm::release {
namespace {

/// Kinds that others need before they are made.
constexpr std::string_view kFirst[] = {
    "Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ResourceQuota",
    "LimitRange", "NetworkPolicy", "StorageClass", "CustomResourceDefinition", "PriorityClass", "ConfigMap",
    "PersistentVolume", "PersistentVolumeClaim", "ImageCatalog", "ClusterImageCatalog", "ObjectStore", "SecretStore"};

/// Takes rendered objects into a Wanted.
class Gatherer {
 public:
  Gatherer(const WantedInput& input, kube::Kinds& kinds, Wanted& out) : input_(input), kinds_(kinds), out_(out) {}

  Status take(const render::Unit& unit) {
    render::render(*input_.values, unit, *input_.options, input_.password, [&](const render::Object& object) {
      if (failure_.message.empty()) take(object, unit.extra != nullptr);
    });
    return failure_.message.empty() ? Status(Ok{}) : Status(failure_);
  }

 private:
  void take(const render::Object& rendered, bool foreign) {
    const std::string_view api_version = text_at(rendered.value, {"apiVersion"});
    const kube::Resource* resource = kinds_.find(api_version, rendered.kind);
    if (resource == nullptr) {
      failure_ = {fmt::format("{} {}: the server has no kind {} in {}", rendered.kind, rendered.name, rendered.kind, api_version),
                  "is its CustomResourceDefinition installed?"};
      return;
    }
    Object object;
    object.resource = resource;
    object.value = yaml::copy(out_.arena, rendered.value);
    object.name = text_at(object.value, {"metadata", "name"});
    object.ns = resource->namespaced ? out_.arena.copy(rendered.ns) : std::string_view();
    object.group_kind = group_kind_of(resource);
    object.cluster = rendered.kind == "Cluster" ? object.name : label(object.value, kClusterLabel);
    object.stage = stage_of(*resource);
    if (foreign) mark(object);
    if (rendered.kind == "Secret" && object.ns == input_.options->ns && input_.is_made_once(object.name)) object.made = Made::kOnce;
    out_.objects.push_back(object);
  }
  /// The file's own object becomes a member of the ApplySet too.
  void mark(Object& object) {
    object.made = Made::kForeign;
    yaml::Arena& arena = out_.arena;
    yaml::Value metadata = *object.value.find("metadata");
    const yaml::Value* labels = metadata.find("labels");
    yaml::Value all = labels != nullptr && labels->is_map() ? *labels : yaml::Value::map(arena);
    all.set(arena, kPartOf, yaml::Value::string(input_.options->applyset));
    metadata.set(arena, "labels", all);
    if (object.resource->namespaced) metadata.set(arena, "namespace", yaml::Value::string(object.ns));
  }
  std::string_view group_kind_of(const kube::Resource* resource) {
    auto& known = group_kinds_[resource];
    if (known.empty()) known = out_.arena.copy(resource->group_kind());
    return known;
  }

  const WantedInput& input_;
  kube::Kinds& kinds_;
  Wanted& out_;
  std::map<const kube::Resource*, std::string_view> group_kinds_;
  Error failure_;
};

}  // namespace

int stage_of(const kube::Resource& resource) {
  if (std::ranges::find(kFirst, resource.kind) != std::end(kFirst)) return kBefore;
  if (resource.kind == "Secret" || resource.kind == "ExternalSecret") return kSecrets;
  return resource.kind == "Cluster" && resource.group == "postgresql.cnpg.io" ? kClusters : kOthers;
}

bool has_unknown_kinds(const spec::Values& values) {
  return std::ranges::any_of(values.extra_objects, [](const yaml::Value& extra) {
    return !kube::well_known(text_at(extra, {"apiVersion"}), text_at(extra, {"kind"}));
  });
}

Status render_wanted(const WantedInput& input, kube::Kinds& kinds, Wanted& out) {
  Gatherer gatherer(input, kinds, out);
  for (const render::Unit& unit : render::units(*input.values, input.clusters, *input.options))
    if (auto taken = gatherer.take(unit); !taken) return taken;
  std::ranges::stable_sort(out.objects, {}, &Object::stage);
  return Ok{};
}

}  // namespace dbm::release
