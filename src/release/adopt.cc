#include "release/adopt.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/json.h"
#include "release/applied.h"
#include "release/connection.h"
#include "release/managed_fields.h"
#include "release/tree.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using kube::Answer;
using kube::Call;
using kube::Resource;
using kube::Verb;
using yaml::Value;

constexpr std::string_view kReleaseName = "meta.helm.sh/release-name", kReleaseNamespace = "meta.helm.sh/release-namespace";
constexpr std::string_view kChart = "helm.sh/chart";

std::optional<FieldsEntry> helms_entry(const Value& live) {
  return entry_with(live, {"f:metadata", "f:annotations", fmt::format("f:{}", kReleaseName)});
}

/// A map of texts with some set and some taken away.
class Texts {
 public:
  Texts(yaml::Arena& arena, Value& metadata, std::string_view key) : arena_(arena), metadata_(metadata), key_(key) {
    const Value* found = metadata.find(key);
    texts_ = found != nullptr && found->is_map() ? *found : Value::map(arena);
  }
  ~Texts() {
    if (texts_.members().empty())
      metadata_.erase(key_);
    else
      metadata_.set(arena_, yaml::Key(key_), texts_);
  }
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;
  void set(std::string_view key, std::string_view text) { texts_.set(arena_, yaml::Key(key), Value::string(text)); }
  void erase(std::string_view key) { texts_.erase(key); }

 private:
  yaml::Arena& arena_;
  Value& metadata_;
  std::string_view key_;
  Value texts_;
};

/// What Helm applied, marked as ours.
Value body_of(yaml::Arena& arena, const LiveObject& live, const Release& release, std::string_view manager) {
  Value body = applied_part(arena, live, manager);
  Value metadata = *body.find("metadata");
  {
    Texts labels(arena, metadata, "labels");
    labels.erase(kChart);
    labels.set(kManagedBy, "cnpg-dbm");
    labels.set(kInstance, arena.copy(release.name));
    labels.set(kPartOf, arena.copy(release.applyset));
    Texts annotations(arena, metadata, "annotations");
    annotations.erase(kReleaseName);
    annotations.erase(kReleaseNamespace);
  }
  body.set(arena, "metadata", metadata);
  if (is_password_secret(live)) {  // its password is ours by having made it, as of all password Secrets: never applied
    if (const Value* found = body.find("data")) {
      Value data = *found;  // its container is the body's own
      data.erase("password");
      body.set(arena, "data", data);
    }
    body.erase("stringData");
  }
  return body;
}

Call marks_call(const LiveObject& live, std::string body) {
  Call call = live.call(Verb::kPatch);
  call.query = kube::Query().add("fieldManager", "helm").text();
  call.content_type = kube::kMergePatch;
  call.accept = kube::kMetadataOnly;
  call.body = std::move(body);
  return call;
}

/// managedFields for the object as it is now, if it is still what was proven to move unchanged.
Result<Value> ours(yaml::Arena& arena, const LiveObject& live, const Release& release, const Move& move) {
  const auto entry = helms_entry(live.value);
  if (!entry || is_applied_by_us(live.value)) return Value::null();
  if (!yaml::equal(body_of(arena, live, release, entry->manager), move.body))
    return Error{fmt::format("{}: somebody has just changed it", move.about), "nothing of it was moved: run adopt again"};
  return taken_over(arena, live, *entry);
}

Call secret_label(const Release& release, const std::string& name, std::string_view owner) {
  Call call{.verb = Verb::kPatch, .resource = *kube::well_known("v1", "Secret"), .ns = release.ns, .name = name};
  call.content_type = kube::kMergePatch;
  call.accept = kube::kMetadataOnly;
  call.body = fmt::format(R"({{"metadata":{{"labels":{{"owner":"{}"}}}}}})", owner);
  return call;
}

/// An object that Helm's release has. `certain`: of the deployed revision.
struct Manifested {
  Id id;
  const Resource* resource;
  const Value* object;
  bool certain;
};

/// All of them, of kinds that are known. The texts of `helm` and `arena` outlive them.
std::vector<Manifested> manifested(kube::Kinds& kinds, const Release& release, const HelmRelease& helm, yaml::Arena& arena) {
  std::vector<Manifested> out;
  for (const auto* objects : {&helm.objects, &helm.leftovers})
    for (const Value& object : *objects) {
      const Resource* resource = kinds.find(text_at(object, {"apiVersion"}), text_at(object, {"kind"}));
      if (resource == nullptr) continue;
      std::string_view ns = text_at(object, {"metadata", "namespace"});
      if (ns.empty()) ns = release.ns;
      if (!resource->namespaced) ns = {};
      out.push_back({{arena.copy(resource->group_kind()), ns, text_at(object, {"metadata", "name"})}, resource, &object, objects == &helm.objects});
    }
  return out;
}

/// Kinds that nobody knows beforehand are asked for. An error when the server has none of a deployed one.
Status learn_kinds(kube::Client& client, kube::Kinds& kinds, const HelmRelease& helm) {
  const auto is_unknown = [&](const Value& object) { return kinds.find(text_at(object, {"apiVersion"}), text_at(object, {"kind"})) == nullptr; };
  if (std::ranges::none_of(helm.objects, is_unknown) && std::ranges::none_of(helm.leftovers, is_unknown)) return Ok{};
  if (auto learnt = kinds.learn(client); !learnt) return learnt;
  const auto unknown = std::ranges::find_if(helm.objects, is_unknown);
  if (unknown == helm.objects.end()) return Ok{};
  return Error{fmt::format("the server has no kind {} ({}), of which Helm's release has one", text_at(*unknown, {"kind"}),
                           printable(text_at(*unknown, {"metadata", "name"}))), {}};
}

}  // namespace

Status plan_adoption(kube::Client& client, kube::Kinds& kinds, const Release& release, const HelmRelease& helm, Live& live, Adoption& out) {
  if (auto learnt = learn_kinds(client, kinds, helm); !learnt) return learnt;
  const auto all = manifested(kinds, release, helm, out.arena);
  std::vector<Missing> missing;
  for (const Manifested& each : all) missing.push_back({each.resource, each.id.ns, each.id.name});
  if (auto looked = look_for_others(client, release, missing, live); !looked) return looked;
  for (const auto& [id, resource, manifest, certain] : all) {
    const LiveObject* object = live.find(id);
    if (object == nullptr) {
      if (certain) out.lost.push_back(fmt::format("{} {}", resource->kind, id.name));
      continue;
    }
    if (!certain && annotation(object->value, kReleaseName) != helm.name) continue;
    out.set.group_kinds.emplace(id.group_kind);
    if (!id.ns.empty() && id.ns != release.ns) out.set.namespaces.emplace(id.ns);
    const bool helms = annotation(object->value, kReleaseName) == helm.name;
    if (!helms) {
      if (object->member)
        ++out.done;
      else
        out.refusals.push_back({fmt::format("{} is not of Helm's release {} any more", object->about(release), helm.name), {}});
      continue;
    }
    const auto entry = helms_entry(object->value);
    Move move;
    move.live = object;
    move.about = object->about(release);
    out.leftovers += certain ? 0 : 1;
    out.passwords += is_password_secret(*object) ? 1 : 0;
    move.body = body_of(out.arena, *object, release, entry ? entry->manager : kFieldManager);
    out.moves.push_back(std::move(move));
  }
  return Ok{};
}

Proof prove(kube::Client& client, const Adoption& adoption) {
  Proof out;
  for (const Move& move : adoption.moves) {
    Call call = apply_call(*move.live->resource, move.live->ns, move.live->name, move.body, {.force = true, .dry_run = true});
    client.submit(std::move(call), [&out, &move](Answer&& answer) {
      if (!answer.ok()) {
        out.failures.push_back(failure_of(move.about, answer.error()));
        return;
      }
      yaml::Arena arena;
      const auto after = kube::read_json(arena, answer.body());
      if (!after) return out.failures.push_back({move.about, after.error(), false, false, false});
      for (const FieldChange& change : compare_live(move.live->value, *after))
        if (!change.path.starts_with(".metadata.labels") && !change.path.starts_with(".metadata.annotations"))
          out.changes.push_back(fmt::format("{}: {}", move.about, change.path));
    });
  }
  client.drive();
  return out;
}

std::vector<Failure> adopt(kube::Client& client, const Release& release, const HelmSecrets& helm, const Adoption& adoption,
                           const std::function<void(const Progress&)>& progress) {
  std::vector<Failure> out;
  yaml::Arena arena;
  ApplySet set = adoption.set;
  set.adopted = helm.latest->name;
  const Answer parent = client.ask(apply_call(*kube::well_known("v1", "Secret"), release.ns, release.parent(), parent_object(arena, release, set),
                                              {.force = true, .accept = kube::kMetadataOnly}));
  if (!parent.ok()) return {failure_of(fmt::format("Secret {}", release.parent()), parent.error())};
  Progress now{0, adoption.moves.size()};
  for (const Move& move : adoption.moves) {
    const auto apply = [&, &m = move](std::optional<Failure> failure) {
      if (failure) return out.push_back(std::move(*failure));
      client.submit(apply_call(*m.live->resource, m.live->ns, m.live->name, m.body, {.force = true, .accept = kube::kMetadataOnly}),
                    [&](Answer&& applied) {
                      if (!applied.ok()) out.push_back(failure_of(m.about, applied.error()));
                      ++now.done;
                      if (progress) progress(now);
                    });
    };
    write_managed_fields(client, release, *move.live, [&](yaml::Arena& memory, const LiveObject& live) { return ours(memory, live, release, move); }, apply);
  }
  client.drive();
  if (!out.empty()) return out;
  for (const std::string& name : helm.names)
    client.submit(secret_label(release, name, kHidden), [&out, name](Answer&& answer) {
      if (!answer.ok()) out.push_back(failure_of(fmt::format("Secret {}", name), answer.error()));
    });
  client.drive();
  return out;
}

namespace {

/// Marks as the manifest has them, ours gone.
std::string back_patch(yaml::Arena& arena, const LiveObject& live, const Value* manifest, const Release& release, std::string_view helm) {
  Value labels = Value::map(arena), annotations = Value::map(arena);
  for (const yaml::Member& member : members_at(live.value, {"metadata", "labels"})) {
    const bool ours = member.key == kManagedBy || member.key == kInstance || member.key == kPartOf;
    if (ours && manifest != nullptr && label(*manifest, member.key).empty()) labels.append(arena, yaml::Key(member.key), Value::null());
    if (ours && manifest == nullptr && member.key == kPartOf) labels.append(arena, yaml::Key(member.key), Value::null());
  }
  if (manifest != nullptr) {
    for (const std::string_view field : {"labels", "annotations"})
      for (const yaml::Member& member : members_at(*manifest, {"metadata", field}))
        (field == "labels" ? labels : annotations).append(arena, yaml::Key(member.key), Value::string(member.value.text()));
    labels.set(arena, yaml::Key(kManagedBy), Value::string("Helm"));
    annotations.set(arena, yaml::Key(kReleaseName), Value::string(helm));
    annotations.set(arena, yaml::Key(kReleaseNamespace), Value::string(release.ns));
  }
  Value metadata = Value::map(arena);
  metadata.append(arena, "uid", Value::string(text_at(live.value, {"metadata", "uid"})));
  metadata.append(arena, "labels", labels);
  if (!annotations.members().empty()) metadata.append(arena, "annotations", annotations);
  Value body = Value::map(arena);
  body.append(arena, "metadata", metadata);
  std::string out;
  yaml::write_json(out, body);
  return out;
}

}  // namespace

GivenBack give_back(kube::Client& client, kube::Kinds& kinds, const Release& release, const HelmSecrets& helm, Live& live) {
  GivenBack out;
  yaml::Arena arena(64 * 1024);
  const auto fail = [&](const std::string& object, const kube::ApiError& error) { out.failures.push_back(failure_of(object, error)); };
  std::map<Id, const Value*> manifests;
  for (const Manifested& each : manifested(kinds, release, *helm.latest, arena)) manifests.emplace(each.id, each.object);
  for (const auto& [id, object] : live.objects()) {
    if (!object.member) continue;
    const auto found = manifests.find(id);
    const Value* manifest = found != manifests.end() ? found->second : nullptr;
    if (manifest == nullptr) out.left.push_back(object.about(release));
    const auto mark = [&, &live_object = object, manifest](std::optional<Failure> failure) {
      if (failure) return out.failures.push_back(std::move(*failure));
      client.submit(marks_call(live_object, back_patch(arena, live_object, manifest, release, helm.latest->name)), [&](Answer&& marked) {
        if (!marked.ok()) return fail(live_object.about(release), marked.error());
        ++out.objects;
      });
    };
    write_managed_fields(client, release, object, [manifest](yaml::Arena& memory, const LiveObject& seen) -> Result<Value> {
      return manifest != nullptr ? handed_to_helm(memory, seen.value) : Value::null();
    }, mark);
  }
  client.drive();
  if (!out.failures.empty()) return out;
  for (const std::string& name : helm.names)
    client.submit(secret_label(release, name, kHelmOwner), [&](Answer&& answer) {
      if (!answer.ok()) fail(fmt::format("Secret {}", name), answer.error());
    });
  client.drive();
  if (out.failures.empty())
    if (auto removed = remove_parent(client, release, live.parent() != nullptr ? seen_parent(*live.parent()) : SeenParent()); !removed) out.failures.push_back({release.parent(), removed.error(), false, false, false});
  return out;
}

}  // namespace dbm::release
