#include "kube/kinds.h"

#include <fmt/format.h>

#include "kube/json.h"
#include "yaml/at.h"

namespace dbm::kube {
namespace {

constexpr std::string_view kAggregated =
    "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList,"
    "application/json;v=v2beta1;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList";

}  // namespace

const Resource* Kinds::keep(const Resource& resource) {
  auto& place = kept_[resource];
  if (place == nullptr) place = std::make_unique<Resource>(resource);
  by_kind_.emplace(resource.api_version() + "/" + resource.kind, place.get());
  by_group_kind_.emplace(resource.group_kind(), place.get());
  return place.get();
}

const Resource* Kinds::find(std::string_view api_version, std::string_view kind) {
  const auto found = by_kind_.find(fmt::format("{}/{}", api_version, kind));
  if (found != by_kind_.end()) return found->second;
  const auto known = well_known(api_version, kind);
  return known ? keep(*known) : nullptr;
}

const Resource* Kinds::find(std::string_view group_kind) {
  if (const auto known = well_known_group_kind(group_kind)) return keep(*known);
  const auto found = by_group_kind_.find(group_kind);
  return found != by_group_kind_.end() ? found->second : nullptr;
}

Status Kinds::learn(Client& client) {
  for (const char* path : {"/api", "/apis"}) {
    const Answer answer = client.ask({.accept = kAggregated, .path = path});
    if (!answer.ok()) return answer.error().error("cannot ask which kinds the server has");
    if (auto learnt = learn_from(answer.body()); !learnt) return learnt;
  }
  return Ok{};
}

Status Kinds::learn_from(const std::string& body) {
  yaml::Arena arena;
  const auto read = read_json(arena, body);
  if (!read) return Error(read.error()).about("the list of kinds");
  for (const yaml::Value& group : items_at(*read, {"items"}))
    for (const yaml::Value& version : items_at(group, {"versions"}))  // the preferred one first
      for (const yaml::Value& resource : items_at(version, {"resources"}))
        keep({std::string(text_at(group, {"metadata", "name"})), std::string(text_at(version, {"version"})),
              std::string(text_at(resource, {"responseKind", "kind"})), std::string(text_at(resource, {"resource"})),
              text_at(resource, {"scope"}) == "Namespaced"});
  return Ok{};
}

}  // namespace dbm::kube
