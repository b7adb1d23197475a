#include "release/applyset.h"

#include "base/version.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

constexpr std::string_view kId = "applyset.kubernetes.io/id";
constexpr std::string_view kTooling = "applyset.kubernetes.io/tooling";
constexpr std::string_view kContains = "applyset.kubernetes.io/contains-group-kinds";
constexpr std::string_view kNamespaces = "applyset.kubernetes.io/additional-namespaces";
constexpr std::string_view kCnpgApi = "cnpg-dbm/cnpg-api";
constexpr std::string_view kAdopted = "cnpg-dbm/adopted-from-helm";

using Set = std::set<std::string, std::less<>>;

std::string joined(const Set& set) {
  std::string out;
  for (const std::string& each : set) out.append(out.empty() ? "" : ",").append(each);
  return out;
}

Set split(std::string_view text) {
  Set out;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) out.emplace(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

}  // namespace

void ApplySet::add(const ApplySet& other) {
  group_kinds.insert(other.group_kinds.begin(), other.group_kinds.end());
  namespaces.insert(other.namespaces.begin(), other.namespaces.end());
  if (cnpg_api.empty()) cnpg_api = other.cnpg_api;
  if (adopted.empty()) adopted = other.adopted;
}

SeenParent seen_parent(const yaml::Value& parent) {
  return {std::string(text_at(parent, {"metadata", "uid"})), std::string(text_at(parent, {"metadata", "resourceVersion"}))};
}

yaml::Value parent_object(yaml::Arena& arena, const Release& release, const ApplySet& set, const SeenParent& seen) {
  using yaml::Value;
  const auto text = [&](std::string_view t) { return Value::string(arena.copy(t)); };
  Value labels = Value::map(arena);
  labels.append(arena, kId, text(release.applyset));
  labels.append(arena, kManagedBy, Value::string("cnpg-dbm"));
  labels.append(arena, kInstance, text(release.name));
  Value annotations = Value::map(arena);
  annotations.append(arena, kTooling, text(std::string("cnpg-dbm/v") + std::string(kVersion)));
  annotations.append(arena, kContains, text(joined(set.group_kinds)));
  annotations.append(arena, kNamespaces, text(joined(set.namespaces)));
  if (!set.cnpg_api.empty()) annotations.append(arena, yaml::Key(kCnpgApi), text(set.cnpg_api));
  if (!set.adopted.empty()) annotations.append(arena, yaml::Key(kAdopted), text(set.adopted));
  Value metadata = Value::map(arena);
  metadata.append(arena, "name", text(release.parent()));
  metadata.append(arena, "namespace", text(release.ns));
  if (seen.is_there()) {
    metadata.append(arena, "uid", text(seen.uid));
    metadata.append(arena, "resourceVersion", text(seen.version));
  }
  metadata.append(arena, "labels", labels);
  metadata.append(arena, "annotations", annotations);
  Value out = Value::map(arena);
  out.append(arena, "apiVersion", Value::string("v1"));
  out.append(arena, "kind", Value::string("Secret"));
  out.append(arena, "metadata", metadata);
  out.append(arena, "type", Value::string("cnpg-dbm/release"));
  return out;
}

ApplySet read_parent(const yaml::Value& parent) {
  return {split(annotation(parent, kContains)), split(annotation(parent, kNamespaces)),
          std::string(annotation(parent, kCnpgApi)), std::string(annotation(parent, kAdopted))};
}

std::string_view tool_of(const yaml::Value& parent) {
  const std::string_view tooling = annotation(parent, kTooling);
  return tooling.substr(0, tooling.find('/'));
}

}  // namespace dbm::release
