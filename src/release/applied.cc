#include "release/applied.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "kube/json.h"
#include "release/compare.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using yaml::Value;

bool is_leaf(const Value& owned) { return owned.members().empty(); }

std::optional<Value> part(yaml::Arena& arena, const Value& live, const Value& owned);

Value map_part(yaml::Arena& arena, const Value& live, const Value& owned) {
  Value out = Value::map(arena, live.pos(), owned.size());
  for (const yaml::Member& field : owned.members()) {
    if (!field.key.starts_with("f:")) continue;
    const yaml::Member* there = live.find_member(field.key.substr(2));
    if (there == nullptr) continue;
    if (const auto value = part(arena, there->value, field.value)) out.append(arena, there->key, *value);
  }
  return out;
}

/// The item that `key` of fieldsV1 names: k:{"name":"x"} by its keys, v:"x" by its value, i:0 by its place.
const Value* find_item(const Value& list, std::string_view key) {
  yaml::Arena arena(512);
  const auto named = kube::read_json(arena, key.substr(2));
  if (!named) return nullptr;
  const auto fits = [&](const Value& item) {
    if (key[0] == 'v') return yaml::equal(item, *named);
    return std::ranges::all_of(named->members(), [&](const yaml::Member& m) {
      const Value* has = item.find(m.key);
      return has != nullptr && yaml::equal(*has, m.value);
    });
  };
  if (key[0] == 'i') {
    const auto at = named->as_int().value_or(-1);
    return at >= 0 && static_cast<size_t>(at) < list.size() ? &list.items()[static_cast<size_t>(at)] : nullptr;
  }
  const auto found = std::ranges::find_if(list.items(), fits);
  return found == list.items().end() ? nullptr : &*found;
}

/// The items in the order of the list, not in that of fieldsV1.
Value list_part(yaml::Arena& arena, const Value& live, const Value& owned) {
  std::vector<std::pair<const Value*, const Value*>> ours;  // item, its fields
  for (const yaml::Member& field : owned.members()) {
    if (field.key.size() < 3 || field.key[1] != ':' || std::string_view("kvi").find(field.key[0]) == std::string_view::npos) continue;
    if (const Value* item = find_item(live, field.key)) ours.emplace_back(item, &field.value);
  }
  std::ranges::sort(ours);
  Value out = Value::list(arena, live.pos(), ours.size());
  for (const auto& [item, fields] : ours)
    if (const auto value = part(arena, *item, *fields)) out.push(arena, *value);
  return out;
}

/// Nothing: the value is of another shape than the fields say.
std::optional<Value> part(yaml::Arena& arena, const Value& live, const Value& owned) {
  if (is_leaf(owned)) return yaml::clone(arena, live);  // who changes it must not change `live`
  if (live.is_map()) return map_part(arena, live, owned);
  if (live.is_list()) return list_part(arena, live, owned);
  // {".":{}}: the field itself, which was a container once.
  return std::nullopt;
}

Value part_of(yaml::Arena& arena, const Value& live, std::string_view api_version, std::string_view kind, std::string_view manager) {
  Value out = Value::map(arena);
  const auto say = [&](Value& map, yaml::Key key, std::string_view text) {
    if (!text.empty()) map.append(arena, key, Value::string(text));
  };
  say(out, "apiVersion", api_version);
  say(out, "kind", kind);
  Value metadata = Value::map(arena);
  say(metadata, "name", text_at(live, {"metadata", "name"}));
  say(metadata, "namespace", text_at(live, {"metadata", "namespace"}));
  const Value* fields = applied_fields(live, manager);
  const Value ours = fields != nullptr ? map_part(arena, live, *fields) : Value::map(arena);
  for (const yaml::Member& m : members_at(ours, {"metadata"})) metadata.set(arena, m.key, m.value);
  out.append(arena, "metadata", metadata);
  for (const yaml::Member& m : ours.members())
    if (m.key != "metadata") out.set(arena, m.key, m.value);
  return out;
}

}  // namespace

Value applied_part(yaml::Arena& arena, const Value& live, std::string_view manager) {
  return part_of(arena, live, text_at(live, {"apiVersion"}), text_at(live, {"kind"}), manager);
}

Value applied_part(yaml::Arena& arena, const LiveObject& live, std::string_view manager) {
  return part_of(arena, live.value, arena.copy(live.resource->api_version()), live.resource->kind, manager);
}

}  // namespace dbm::release
