#include "release/guard.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/image.h"
#include "cnpg/quantity.h"
#include "cnpg/volume.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using yaml::Value;
using Path = std::initializer_list<std::string_view>;

std::string dotted(Path path) {
  std::string out;
  for (const std::string_view key : path) out.append(out.empty() ? "" : ".").append(key);
  return out;
}

/// One object's comparison, and where what it finds goes.
class Guard {
 public:
  Guard(const LiveObject& live, const Object& wanted, std::vector<Danger>& out) : live_(live), wanted_(wanted), out_(out) {}

  void cluster() {
    for (const std::string_view storage : {"storage", "walStorage"}) {
      const Value *before = live_.value.find_path({"spec", storage}), *after = wanted_.value.find_path({"spec", storage});
      if (before != nullptr && after != nullptr) shrinks(fmt::format("spec.{}.", storage), *before, *after);
      changes({"spec", storage, "storageClass"}, "an existing volume keeps its storage class");
      changes({"spec", storage, "pvcTemplate", "storageClassName"}, "an existing volume keeps its storage class");
    }
    if (there({"spec", "walStorage"}) && !is_wanted({"spec", "walStorage"}))
      say("spec.walStorage would go, and the WAL volume with it");
    tablespaces();
    major();
    roles();
  }
  void database() {
    for (const std::string_view key : {"name", "encoding", "locale", "localeProvider", "localeCollate", "localeCType", "icuLocale",
                                       "icuRules", "builtinLocale", "collationVersion"})
      changes({"spec", key}, "CloudNativePG never changes it; another database is another entry of the file");
    changes({"spec", "cluster", "name"}, "a Database never moves to another Cluster");
    if (text_at(wanted_.value, {"spec", "ensure"}) == "absent" && text_at(live_.value, {"spec", "ensure"}) != "absent")
      say("ensure: absent drops the database");
  }

 private:
  bool there(Path path) const { return live_.value.find_path(path) != nullptr; }
  bool is_wanted(Path path) const { return wanted_.value.find_path(path) != nullptr; }
  void say(std::string what) {
    out_.push_back({std::string(live_.name), fmt::format("{} {}", live_.resource->kind, live_.name), std::move(what)});
  }
  /// Something that is set becomes something else. What the file does not say stays as it is.
  void changes(Path path, std::string_view why) {
    const std::string_view before = text_at(live_.value, path), after = text_at(wanted_.value, path);
    if (!before.empty() && !after.empty() && before != after)
      say(fmt::format("{}: {} -> {}: {}", dotted(path), printable(before), printable(after), why));
  }
  void shrinks(std::string_view where, const Value& live, const Value& wanted) {
    const auto [old_text, old_field] = cnpg::volume_size(live);
    const auto [new_text, field] = cnpg::volume_size(wanted);
    const auto before = cnpg::parse_quantity(old_text), after = cnpg::parse_quantity(new_text);
    if (before && after && *after < *before) say(fmt::format("{}{}: {} -> {}: a volume never shrinks", where, field, old_text, new_text));
  }
  static const Value* named(std::span<const Value> list, std::string_view name) {
    const auto found = std::ranges::find_if(list, [&](const Value& item) { return text_at(item, {"name"}) == name; });
    return found != list.end() ? &*found : nullptr;
  }
  void tablespaces() {
    const auto wanted = items_at(wanted_.value, {"spec", "tablespaces"});
    for (const Value& before : items_at(live_.value, {"spec", "tablespaces"})) {
      const std::string_view name = text_at(before, {"name"});
      const Value* after = named(wanted, name);
      if (after == nullptr) {
        say(fmt::format("tablespace {} would go, and its volume with it", printable(name)));
        continue;
      }
      const Value *old_storage = before.find("storage"), *new_storage = after->find("storage");
      if (old_storage != nullptr && new_storage != nullptr) shrinks(fmt::format("tablespace {}: ", printable(name)), *old_storage, *new_storage);
    }
  }
  static int major_of(const Value& cluster) {
    if (const auto major = int_at(cluster, {"spec", "imageCatalogRef", "major"}); major > 0) return static_cast<int>(major);
    return cnpg::tag_major(cnpg::image_tag(text_at(cluster, {"spec", "imageName"})));
  }
  void major() {
    const int before = major_of(live_.value), after = major_of(wanted_.value);
    if (before > 0 && after > 0 && after < before)
      say(fmt::format("PostgreSQL {} -> {}: there is no way back to an earlier major version", before, after));
  }
  /// A managed role that is to be dropped.
  void roles() {
    const auto before = items_at(live_.value, {"spec", "managed", "roles"});
    for (const Value& role : items_at(wanted_.value, {"spec", "managed", "roles"})) {
      if (text_at(role, {"ensure"}) != "absent") continue;
      const std::string_view name = text_at(role, {"name"});
      const Value* old = named(before, name);
      if (old == nullptr || text_at(*old, {"ensure"}) != "absent")
        say(fmt::format("role {}: ensure: absent drops it", printable(name)));
    }
  }

  const LiveObject& live_;
  const Object& wanted_;
  std::vector<Danger>& out_;
};

bool is_cnpg(const LiveObject& live, std::string_view kind) {
  return live.resource->kind == kind && live.resource->group == "postgresql.cnpg.io";
}

std::string_view destination(const Value& cluster) {
  return text_at(cluster, {"spec", "backup", "barmanObjectStore", "destinationPath"});
}

bool ends_in_reject(const Value& cluster) {
  const auto lines = items_at(cluster, {"spec", "postgresql", "pg_hba"});
  return !lines.empty() && lines.back().text().ends_with("reject");
}

}  // namespace

void guard_removal(const LiveObject& live, std::vector<Danger>& out) {
  const std::string object = fmt::format("{} {}", live.resource->kind, live.name);
  if (is_cnpg(live, "Cluster"))
    out.push_back({std::string(live.name), object, "its instances and all their data would be deleted"});
  else if (is_cnpg(live, "Database") && text_at(live.value, {"spec", "databaseReclaimPolicy"}) == "delete")
    out.push_back({std::string(live.name), object,
                   fmt::format("reclaimPolicy: delete: database {} would be dropped", printable(text_at(live.value, {"spec", "name"})))});
  else if (live.resource->kind == "Namespace" || live.resource->kind == "PersistentVolumeClaim" ||
           live.resource->kind == "PersistentVolume" || live.resource->kind == "CustomResourceDefinition")
    out.push_back({std::string(live.name), object, "everything that it holds would be deleted"});
}

void guard_change(const LiveObject& live, const Object& wanted, std::vector<Danger>& out) {
  Guard guard(live, wanted, out);
  if (is_cnpg(live, "Cluster")) guard.cluster();
  if (is_cnpg(live, "Database")) guard.database();
}

void notice_change(const LiveObject& live, const Object& wanted, std::vector<std::string>& out) {
  if (is_cnpg(live, "Cluster")) {
    const std::string_view before = destination(live.value), after = destination(wanted.value);
    if (!before.empty() && before != after)
      out.push_back(fmt::format("Cluster {}: its backups move from {} to {}: those that are there stay, and are not looked for any more",
                                live.name, printable(before), after.empty() ? "nowhere" : printable(after)));
    if (ends_in_reject(wanted.value) && !ends_in_reject(live.value))
      out.push_back(fmt::format("Cluster {}: isolation is turned on: who is not in the file gets in no more (sessions that are open stay)",
                                live.name));
  }
  if (is_cnpg(live, "Database"))
    for (const std::string_view key : {"encoding", "locale", "localeProvider", "localeCollate", "localeCType", "icuLocale", "builtinLocale"})
      if (text_at(live.value, {"spec", key}).empty() && !text_at(wanted.value, {"spec", key}).empty())
        out.push_back(fmt::format("Database {}: {} is said for the first time: a database that is there keeps the one it was made with",
                                  live.name, key));
  if (is_cnpg(live, "Database") && text_at(wanted.value, {"spec", "databaseReclaimPolicy"}) == "delete" &&
      text_at(live.value, {"spec", "databaseReclaimPolicy"}) != "delete")
    out.push_back(fmt::format("Database {}: from now on, removing it drops the database", live.name));
}

}  // namespace dbm::release
