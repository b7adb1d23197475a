#include "release/live.h"

#include <fmt/format.h>

#include "base/text.h"
#include "kube/json.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using kube::Answer;
using kube::Resource;

/// The first failure of several questions; the others say the same.
class First {
 public:
  void add(Error error) {
    if (!error_) error_ = std::move(error);
  }
  Status status() const { return error_ ? Status(*error_) : Status(Ok{}); }

 private:
  std::optional<Error> error_;
};

/// Objects whose names are asked one by one: past that a list of names is quicker.
constexpr size_t kOneByOne = 64;

/// Those of the release's namespace.
Status look_for_secrets(kube::Client& client, const Release& release, const kube::ListOptions& options, Live& live) {
  First first;
  static const Resource secrets = *kube::well_known("v1", "Secret");
  kube::list(client, secrets, release.ns, options, [&](auto listing, const kube::ApiError*) {
    if (listing) return live.take(secrets, std::move(listing).value(), release);
    first.add(std::move(listing).error());
  });
  client.drive();
  return first.status();
}

}  // namespace

bool stays_at_home(const Resource& resource) {
  return resource.group == "postgresql.cnpg.io" || resource.group == "monitoring.coreos.com" ||
         resource.group == "barmancloud.cnpg.io";
}

std::string_view LiveObject::uid() const { return text_at(value, {"metadata", "uid"}); }
std::string_view LiveObject::resource_version() const { return text_at(value, {"metadata", "resourceVersion"}); }

std::string LiveObject::about(const Release& release) const { return about_object(resource->kind, name, ns, release); }

kube::Call LiveObject::call(kube::Verb verb) const {
  return {.verb = verb, .resource = *resource, .ns = std::string(ns), .name = std::string(name)};
}

std::string about_object(std::string_view kind, std::string_view name, std::string_view ns, const Release& release) {
  std::string out = fmt::format("{} {}", kind, name);
  if (!ns.empty() && ns != release.ns) out += fmt::format(" in namespace {}", ns);
  return out;
}

Owner owner_of(const yaml::Value& object, const Release& release) {
  const std::string_view part_of = label(object, kPartOf);
  if (part_of == release.applyset) return Owner::kUs;
  if (!part_of.empty()) return Owner::kRelease;
  if (!release.adopting.empty() && annotation(object, "meta.helm.sh/release-name") == release.adopting) return Owner::kUs;
  if (label(object, kManagedBy) == "cnpg-dbm")
    return label(object, kInstance) == release.name ? Owner::kUs : Owner::kRelease;
  if (label(object, kManagedBy) == "Helm" || !annotation(object, "meta.helm.sh/release-name").empty()) return Owner::kHelm;
  return Owner::kNobody;
}

const LiveObject* Live::find(const Id& id) const {
  const auto found = objects_.find(id);
  return found != objects_.end() ? &found->second : nullptr;
}

const LiveObject& Live::add(const Resource& resource, const yaml::Value& value, const Release& release) {
  LiveObject object;
  object.resource = &resource;
  object.value = value;
  object.group_kind = *texts_.insert(resource.group_kind()).first;
  object.ns = text_at(value, {"metadata", "namespace"});
  object.name = text_at(value, {"metadata", "name"});
  object.member = label(value, kPartOf) == release.applyset;
  return objects_.insert_or_assign(object.id(), object).first->second;
}

void Live::take(const Resource& resource, std::unique_ptr<kube::Listing> listing, const Release& release) {
  for (const yaml::Value& item : listing->items) add(resource, item, release);
  listings_.push_back(std::move(listing));
}

Result<const LiveObject*> Live::take(const Resource& resource, std::string body, const Release& release) {
  auto listing = std::make_unique<kube::Listing>();
  auto& page = listing->pages.emplace_back();
  page.body = std::move(body);
  const auto read = kube::read_json(page.arena, page.body);
  if (!read) return Error(read.error()).about(resource.kind);
  listings_.push_back(std::move(listing));
  return &add(resource, *read, release);
}

Status Live::take_parent(std::string body) {
  auto listing = std::make_unique<kube::Listing>();
  auto& page = listing->pages.emplace_back();
  page.body = std::move(body);
  const auto read = kube::read_json(page.arena, page.body);
  if (!read || !read->is_map())
    return Error(read ? Error{"the server's answer is no object", {}} : read.error()).about("the ApplySet's parent");
  parent_ = *read;
  listings_.push_back(std::move(listing));
  return Ok{};
}

Status look_for_parent(kube::Client& client, const Release& release, Live& live) {
  Answer answer = client.ask({.verb = kube::Verb::kGet, .resource = *kube::well_known("v1", "Secret"), .ns = release.ns, .name = release.parent()});
  if (answer.ok()) {
    if (auto taken = live.take_parent(answer.take_body()); !taken) return taken;
    const std::string_view tool = tool_of(*live.parent());
    if (tool == "cnpg-dbm") return Ok{};
    return Error{fmt::format("Secret {} in namespace {} is {}, not one of our releases", release.parent(), release.ns,
                             tool.empty() ? "somebody's own" : fmt::format("the parent of an ApplySet of {}", printable(tool))),
                 "give the release another name"};
  }
  if (answer.error().status == 404) return Ok{};
  return answer.error().error(fmt::format("cannot read Secret {} in namespace {}", release.parent(), release.ns));
}

Status look_for_members(kube::Client& client, kube::Kinds& kinds, const Release& release, const ApplySet& set, Live& live) {
  First first;
  kube::ListOptions options;
  options.label_selector = fmt::format("{}={}", kPartOf, release.applyset);
  const auto look = [&](const Resource& resource, const std::string& ns) {
    kube::list(client, resource, ns, options, [&first, &live, &resource, &release](auto listing, const kube::ApiError* error) {
      if (listing) return live.take(resource, std::move(listing).value(), release);
      if (error == nullptr || error->status != 404) first.add(std::move(listing).error());
    });
  };
  for (const std::string& group_kind : set.group_kinds) {
    const Resource* resource = kinds.find(group_kind);
    if (resource == nullptr) continue;
    look(*resource, resource->namespaced ? release.ns : std::string());
    if (!resource->namespaced || stays_at_home(*resource)) continue;
    for (const std::string& ns : set.namespaces) look(*resource, ns);
  }
  client.drive();
  return first.status();
}

Status look_for_kept_secrets(kube::Client& client, const Release& release, Live& live) {
  return look_for_secrets(
      client, release,
      {.label_selector = fmt::format("{}=cnpg-dbm,{}={},!{},{}", kManagedBy, kInstance, release.name, kPartOf, kClusterLabel)}, live);
}

Status look_for_role_passwords(kube::Client& client, const Release& release, Live& live) {
  return look_for_secrets(client, release,
                          {.label_selector = fmt::format("{}={}", kPartOf, release.applyset), .field_selector = fmt::format("type={}", kPasswordType)},
                          live);
}

Status look_for_others(kube::Client& client, const Release& release, const std::vector<Missing>& missing, Live& live) {
  First first;
  const auto get = [&](const Missing& one) {
    client.submit({.verb = kube::Verb::kGet, .resource = *one.resource, .ns = std::string(one.ns), .name = std::string(one.name)},
                  [&first, &live, &release, one](Answer&& answer) {
                    if (answer.ok()) {
                      if (auto taken = live.take(*one.resource, answer.take_body(), release); !taken) first.add(taken.error());
                    } else if (answer.error().status != 404) {
                      first.add(answer.error().error(fmt::format("cannot read {} {}", one.resource->kind, one.name)));
                    }
                  });
  };
  if (missing.size() <= kOneByOne) {
    for (const Missing& one : missing) get(one);
    client.drive();
    return first.status();
  }
  std::map<std::pair<const Resource*, std::string_view>, std::map<std::string_view, const Missing*>> places;
  for (const Missing& one : missing) places[{one.resource, one.ns}][one.name] = &one;
  for (const auto& [place, names] : places) {
    kube::ListOptions options;
    options.accept = kube::kMetadataListOnly;
    kube::list(client, *place.first, std::string(place.second), options,
               [&first, &get, &names = names](auto listing, const kube::ApiError* error) {
                 if (!listing) {
                   if (error == nullptr || error->status != 404) first.add(std::move(listing).error());
                   return;
                 }
                 for (const yaml::Value& item : (*listing)->items)
                   if (const auto found = names.find(text_at(item, {"metadata", "name"})); found != names.end()) get(*found->second);
               });
  }
  client.drive();
  return first.status();
}

}  // namespace dbm::release
