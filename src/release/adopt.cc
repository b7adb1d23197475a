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
constexpr std::string_view kHelmManager = "helm";

/// Who wrote Helm's annotations: `helm`, or a program with Helm in it. Empty: nobody knows.
std::string_view helms_manager(const Value& live) {
  return manager_of_field(live, {"f:metadata", "f:annotations", fmt::format("f:{}", kReleaseName)});
}

/// The object as it is with other managed fields.
LiveObject with_managed_fields(yaml::Arena& arena, const LiveObject& live, const Value& fields) {
  Value metadata = Value::map(arena, {}, members_at(live.value, {"metadata"}), 1);
  metadata.set(arena, "managedFields", fields);
  LiveObject out = live;
  out.value = Value::map(arena, live.value.pos(), live.value.members(), 1);
  out.value.set(arena, "metadata", metadata);
  return out;
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

/// What Helm applied, marked as ours. Also what we hold of it already, of an adoption, or a way back, that
/// was interrupted: applying less would remove that.
Value body_of(yaml::Arena& arena, const LiveObject& live, const Release& release) {
  const Value fields = taken_over(arena, live, helms_manager(live.value));
  Value body = applied_part(arena, fields.is_null() ? live : with_managed_fields(arena, live, fields), kFieldManager);
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
  call.query = kube::Query().add("fieldManager", kHelmManager).text();
  call.content_type = kube::kMergePatch;
  call.accept = kube::kMetadataOnly;
  call.body = std::move(body);
  return call;
}

/// managedFields for the object as it is now, if it is still what was proven to move unchanged.
Result<Value> ours(yaml::Arena& arena, const LiveObject& live, const Release& release, const Move& move) {
  Value fields = taken_over(arena, live, helms_manager(live.value));
  if (!fields.is_null() && !yaml::equal(body_of(arena, live, release), move.body))
    return Error{fmt::format("{}: somebody has just changed it", move.about), "nothing of it was moved: run adopt again"};
  return fields;
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
  ApplyMethod method;
  bool certain;
};

/// All of them, of kinds that are known. The texts of `helm` and `arena` outlive them.
std::vector<Manifested> manifested(kube::Kinds& kinds, const Release& release, const HelmRelease& helm, yaml::Arena& arena) {
  std::vector<Manifested> out;
  const auto add = [&](const Value& object, ApplyMethod method, bool certain) {
    const Resource* resource = kinds.find(text_at(object, {"apiVersion"}), text_at(object, {"kind"}));
    if (resource == nullptr) return;
    std::string_view ns = text_at(object, {"metadata", "namespace"});
    if (ns.empty()) ns = release.ns;
    if (!resource->namespaced) ns = {};
    const Id id{arena.copy(resource->group_kind()), ns, text_at(object, {"metadata", "name"})};
    out.push_back({id, resource, &object, method, certain});
  };
  for (const Value& object : helm.objects) add(object, helm.method, true);
  for (const Leftover& leftover : helm.leftovers) add(leftover.object, leftover.method, false);
  return out;
}

/// Kinds that nobody knows beforehand are asked for. An error when the server has none of a deployed one.
Status learn_kinds(kube::Client& client, kube::Kinds& kinds, const HelmRelease& helm) {
  const auto is_unknown = [&](const Value& object) { return kinds.find(text_at(object, {"apiVersion"}), text_at(object, {"kind"})) == nullptr; };
  if (std::ranges::none_of(helm.objects, is_unknown) &&
      std::ranges::none_of(helm.leftovers, is_unknown, &Leftover::object))
    return Ok{};
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
  for (const auto& [id, resource, manifest, method, certain] : all) {
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
    Move move;
    move.live = object;
    move.about = object->about(release);
    out.leftovers += certain ? 0 : 1;
    out.passwords += is_password_secret(*object) ? 1 : 0;
    move.body = body_of(out.arena, *object, release);
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

/// One object's way back, in two requests: Helm's marks, then Helm's managed fields. In this order no
/// entry of the marks alone is left, with which Helm's next server-side apply would be in conflict.
/// Interrupted in between, the object has Helm's marks and fields of ours.
class WayBack {
 public:
  WayBack(kube::Client& client, const Release& release, const HelmRelease& helm, GivenBack& out)
      : client_(client), release_(release), helm_(helm), out_(out) {}

  /// `manifested`: null: Helm never made it; it only stops being a member.
  void submit(const LiveObject& live, const Manifested* manifested) {
    yaml::Arena arena;
    const Value* manifest = manifested != nullptr ? manifested->object : nullptr;
    Call call = marks_call(live, back_patch(arena, live, manifest, release_, helm_.name));
    client_.submit(std::move(call), [this, &live, manifested](Answer&& answer) {
      if (!answer.ok()) return fail(live, answer.error());
      if (manifested == nullptr) return out_.left.push_back(live.about(release_));
      auto marked = marked_.emplace_back().take(*live.resource, answer.take_body(), release_);
      if (!marked) return out_.failures.push_back({live.about(release_), std::move(marked).error()});
      hand_over(**marked, manifested->method);
    });
  }

 private:
  void hand_over(const LiveObject& marked, ApplyMethod method) {
    const auto fields = [method](yaml::Arena& arena, const LiveObject& seen) -> Result<Value> {
      return handed_to_helm(arena, seen.value, method);
    };
    write_managed_fields(client_, release_, marked, fields, [this](std::optional<Failure> failure) {
      if (failure) return out_.failures.push_back(std::move(*failure));
      ++out_.objects;
    });
  }
  void fail(const LiveObject& live, const kube::ApiError& error) {
    out_.failures.push_back(failure_of(live.about(release_), error));
  }

  kube::Client& client_;
  const Release& release_;
  const HelmRelease& helm_;
  GivenBack& out_;
  std::deque<Live> marked_;
};

/// Objects of the manifest that are no members: passwords that were kept, and what an interrupted run
/// has marked already.
Status look_for_manifested(kube::Client& client, const Release& release, const std::map<Id, Manifested>& manifested,
                           Live& live) {
  std::vector<Missing> missing;
  for (const auto& [id, each] : manifested)
    if (live.find(id) == nullptr) missing.push_back({each.resource, id.ns, id.name});
  return look_for_others(client, release, missing, live);
}

/// Not what others made under the name meanwhile.
bool is_to_give_back(const LiveObject& object, const Release& release, std::string_view helm) {
  if (object.member || owner_of(object.value, release) == Owner::kUs) return true;
  return annotation(object.value, kReleaseName) == helm && has_fields_of_ours(object.value);
}

}  // namespace

GivenBack give_back(kube::Client& client, kube::Kinds& kinds, const Release& release, const HelmSecrets& helm, Live& live) {
  GivenBack out;
  yaml::Arena arena(64 * 1024);
  std::map<Id, Manifested> all;
  for (const Manifested& each : manifested(kinds, release, *helm.latest, arena)) all.emplace(each.id, each);
  if (auto looked = look_for_manifested(client, release, all, live); !looked) {
    out.failures.push_back({fmt::format("release {}", helm.latest->name), looked.error()});
    return out;
  }
  WayBack back(client, release, *helm.latest, out);
  for (const auto& [id, object] : live.objects()) {
    const auto found = all.find(id);
    if (found == all.end() ? object.member : is_to_give_back(object, release, helm.latest->name))
      back.submit(object, found != all.end() ? &found->second : nullptr);
  }
  client.drive();
  if (!out.failures.empty()) return out;
  for (const std::string& name : helm.names)
    client.submit(secret_label(release, name, kHelmOwner), [&](Answer&& answer) {
      if (!answer.ok()) out.failures.push_back(failure_of(fmt::format("Secret {}", name), answer.error()));
    });
  client.drive();
  if (out.failures.empty())
    if (auto removed = remove_parent(client, release, live.parent() != nullptr ? seen_parent(*live.parent()) : SeenParent()); !removed) out.failures.push_back({release.parent(), removed.error(), false, false, false});
  return out;
}

}  // namespace dbm::release
