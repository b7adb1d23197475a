#include "release/compare.h"

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/quantity.h"
#include "kube/json.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using yaml::Value;

/// Keys of quantities, and of maps of them: webhooks write them differently (1024Mi as 1Gi, 1 as "1").
/// Elsewhere "1.10" and "1.1" are two things: versions of an extension.
constexpr std::string_view kOfQuantities[] = {"requests",  "limits",  "overhead",  "ephemeralVolumesSizeLimit",
                                              "sizeLimit", "divisor", "maximumLag"};

bool is_of_quantities(std::string_view key) { return std::ranges::find(kOfQuantities, key) != std::end(kOfQuantities); }

/// Two spellings of one value.
bool same_scalar(const Value& a, const Value& b, bool quantity) {
  if (a.text() == b.text() && (quantity || a.is_string() == b.is_string() || a.kind() == b.kind())) return true;
  if (quantity) {
    const auto x = cnpg::parse_quantity(a.text()), y = cnpg::parse_quantity(b.text());
    return x && y && *x == *y;
  }
  if (a.is_string() || b.is_string()) return false;
  if (const auto x = a.as_int(), y = b.as_int(); x && y) return *x == *y;
  const auto x = a.as_double(), y = b.as_double();
  return x && y && *x == *y;
}

/// `quantity`: of a scalar, that it is one; of a map, that its members are.
bool same(const Value& a, const Value& b, bool quantity) {
  if (a.is_map() != b.is_map() || a.is_list() != b.is_list()) return false;
  if (a.is_map())
    return a.size() == b.size() && std::ranges::all_of(a.members(), [&](const yaml::Member& m) {
      const Value* other = b.find(m.key);
      return other != nullptr && same(m.value, *other, quantity || is_of_quantities(m.key));
    });
  if (a.is_list())
    return a.size() == b.size() && std::ranges::equal(a.items(), b.items(), [](const Value& x, const Value& y) { return same(x, y, false); });
  if (a.is_null() || b.is_null()) return a.is_null() == b.is_null();
  return same_scalar(a, b, quantity);
}

/// What the server writes into maps inside of lists that are one value to server-side apply (nobody
/// owns a field of theirs): CloudNativePG's and External Secrets' defaults. `of`: the key that holds
/// the map or the list of maps. Source: `default` in the resource definitions.
struct Default {
  std::string_view of, key, value;
};
constexpr Default kDefaults[] = {
    {"roles", "connectionLimit", "-1"},
    {"roles", "ensure", "present"},
    {"roles", "inherit", "true"},
    {"extensions", "ensure", "present"},
    {"schemas", "ensure", "present"},
    {"fdws", "ensure", "present"},
    {"servers", "ensure", "present"},
    {"options", "ensure", "present"},
    {"usage", "type", "grant"},
    {"plugin", "enabled", "true"},
    {"plugin", "isWALArchiver", "false"},
    {"plugins", "enabled", "true"},
    {"plugins", "isWALArchiver", "false"},
    {"tablespaces", "temporary", "false"},
    {"storage", "resizeInUseVolumes", "true"},
    {"additional", "updateStrategy", "patch"},
    {"ports", "protocol", "TCP"},
    {"relabelings", "action", "replace"},
    {"metricRelabelings", "action", "replace"},
    {"podMonitorRelabelings", "action", "replace"},
    {"podMonitorMetricRelabelings", "action", "replace"},
    {"remoteRef", "conversionStrategy", "Default"},
    {"remoteRef", "decodingStrategy", "None"},
    {"remoteRef", "metadataPolicy", "None"},
    {"extract", "conversionStrategy", "Default"},
    {"extract", "decodingStrategy", "None"},
    {"extract", "metadataPolicy", "None"},
    {"fileKeyRef", "optional", "false"},
};

bool is_default(std::string_view of, const yaml::Member& member) {
  if (member.key == "name" && member.value.is_string() && member.value.text().empty()) return true;  // of a reference
  return std::ranges::any_of(
      kDefaults, [&](const Default& each) { return each.of == of && each.key == member.key && each.value == member.value.text(); });
}

/// A value that is applied as a whole: what the server added to it by itself makes no difference.
/// `key`: what it stands under; `quantity` as same() has it.
bool same_applied(const Value& desired, const Value& live, std::string_view key, bool quantity) {
  if (desired.is_list() && live.is_list())
    return desired.size() == live.size() && std::ranges::equal(desired.items(), live.items(), [&](const Value& a, const Value& b) {
      return same_applied(a, b, key, false);
    });
  if (!desired.is_map() || !live.is_map()) return same(desired, live, quantity);
  return std::ranges::all_of(desired.members(),
                             [&](const yaml::Member& member) {
                               const Value* there = live.find(member.key);
                               return there != nullptr && same_applied(member.value, *there, member.key, quantity || is_of_quantities(member.key));
                             }) &&
         std::ranges::all_of(live.members(), [&](const yaml::Member& member) {
           return desired.find(member.key) != nullptr || is_default(key, member);
         });
}

/// A label that 0.1.0 gave to every object and that no object gets any more. That alone is no reason to
/// write all objects of a release: it goes when the object is next written.
bool is_outlived(std::string_view key, const Value& live) {
  return key == "app.kubernetes.io/version" && live.text() == "0.1.0";
}

/// A path as it grows and shrinks. Costs nothing where nobody wants to read it.
class Path {
 public:
  explicit Path(bool wanted) : wanted_(wanted) {}
  class Step {
   public:
    Step(Path& path, auto&&... parts) : path_(path), size_(path.text_.size()) {
      if (path.wanted_) (path.text_.append(parts), ...);
    }
    ~Step() { path_.text_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Path& path_;
    size_t size_;
  };
  const std::string& text() const { return text_; }

 private:
  friend class Step;
  bool wanted_;
  std::string text_;
};

/// Where the changes go; false: that was enough.
using Sink = std::function<bool(Change, const std::string& path, const Value& before, const Value& after)>;

bool is_leaf(const Value& owned) { return owned.members().empty(); }

/// The item of a live list that has these keys ({"name":"x"} as fieldsV1 writes it).
const Value* item_with_keys(const Value& list, const Value& keys) {
  for (const Value& item : list.items()) {
    const bool fits = std::ranges::all_of(keys.members(), [&](const yaml::Member& key) {
      const Value* has = item.find(key.key);
      return has != nullptr && has->text() == key.value.text();
    });
    if (fits) return &item;
  }
  return nullptr;
}

/// Applying, walked through: the desired fields, those that are there, and those that are ours.
class Walker {
 public:
  /// `removes`: what is ours and not desired goes.
  Walker(const Sink& sink, bool with_paths, bool removes) : sink_(sink), path_(with_paths), removes_(removes) {}

  /// False: the sink had enough. `owned` null: nothing here is ours; `key`: what it stands under;
  /// `quantity` as same() has it.
  bool walk(const Value& desired, const Value* live, const Value* owned, std::string_view key = {}, bool quantity = false) {
    if (live == nullptr) return sink_(Change::kAdded, path_.text(), Value(), desired);
    const bool inside = owned != nullptr && !is_leaf(*owned);
    if (desired.is_map() && live->is_map() && (inside || (owned == nullptr && !desired.members().empty()))) return map(desired, *live, owned, quantity);
    if (desired.is_list() && live->is_list() && inside) return list(desired, *live, *owned);
    if (!same_applied(desired, *live, key, quantity)) return sink_(Change::kChanged, path_.text(), *live, desired);
    return owned != nullptr || sink_(Change::kOwned, path_.text(), *live, desired);
  }

 private:
  bool map(const Value& desired, const Value& live, const Value* owned, bool quantities) {
    for (const yaml::Member& member : desired.members()) {
      const Path::Step step(path_, ".", member.key);
      const Value* ours = owned != nullptr ? field(*owned, member.key) : nullptr;
      if (!walk(member.value, live.find(member.key), ours, member.key, quantities || is_of_quantities(member.key))) return false;
    }
    if (owned == nullptr || !removes_) return true;
    for (const yaml::Member& ours : owned->members()) {
      if (!ours.key.starts_with("f:")) continue;
      const std::string_view key = ours.key.substr(2);
      const Value* there = live.find(key);
      if (desired.find(key) != nullptr || there == nullptr || is_outlived(key, *there)) continue;
      const Path::Step step(path_, ".", key);
      if (!removed(*there, ours.value)) return false;
    }
    return true;
  }
  /// Fields that we applied before and do not want any more: only ours go.
  bool removed(const Value& live, const Value& owned) {
    if (is_leaf(owned) || !live.is_map()) return sink_(Change::kRemoved, path_.text(), live, Value());
    for (const yaml::Member& ours : owned.members()) {
      if (!ours.key.starts_with("f:")) continue;
      const Value* there = live.find(ours.key.substr(2));
      const Path::Step step(path_, ".", ours.key.substr(2));
      if (there != nullptr && !removed(*there, ours.value)) return false;
    }
    return true;
  }
  /// A list whose items the server tells apart, by keys or as a set.
  bool list(const Value& desired, const Value& live, const Value& owned) {
    size_t known = 0;
    for (const yaml::Member& ours : owned.members()) {
      if (!ours.key.starts_with("k:") && !ours.key.starts_with("v:")) continue;
      yaml::Arena arena(1024);
      const auto key = kube::read_json(arena, ours.key.substr(2));
      if (!key) continue;
      const bool by_keys = ours.key[0] == 'k';
      const Value* wanted = by_keys ? item_with_keys(desired, *key) : find_item(desired, *key);
      const Value* there = by_keys ? item_with_keys(live, *key) : find_item(live, *key);
      const Path::Step step(path_, "[", name_of(*key), "]");
      if (wanted == nullptr) {
        if (there != nullptr && !sink_(Change::kRemoved, path_.text(), *there, Value())) return false;
        continue;
      }
      ++known;
      if (!walk(*wanted, there, &ours.value)) return false;
    }
    if (known == desired.size()) return true;
    return sink_(Change::kChanged, path_.text(), live, desired);
  }
  static const Value* find_item(const Value& list, const Value& item) {
    const auto found = std::ranges::find_if(list.items(), [&](const Value& each) { return same(each, item, false); });
    return found == list.items().end() ? nullptr : &*found;
  }
  std::string name_of(const Value& key) const {
    if (!key.is_map()) return std::string(key.text());
    std::string out;
    for (const yaml::Member& m : key.members()) out += fmt::format("{}{}={}", out.empty() ? "" : ",", m.key, m.value.text());
    return out;
  }
  const Value* field(const Value& owned, std::string_view key) {
    for (const yaml::Member& each : owned.members())
      if (each.key.size() == key.size() + 2 && each.key.starts_with("f:") && each.key.substr(2) == key) return &each.value;
    return nullptr;
  }

  const Sink& sink_;
  Path path_;
  bool removes_;
};

/// Metadata that is ours to say; names and kinds are who the object is.
constexpr std::string_view kMetadata[] = {"labels", "annotations", "finalizers", "ownerReferences"};
constexpr std::string_view kIdentity[] = {"apiVersion", "kind", "metadata"};

struct Ours {
  const Value* fields = nullptr;
  bool applied = false;  // else: made, or changed, by other calls of the same manager
};

Ours ours_in(const Value& live, std::string_view manager) {
  Ours out;
  for (const Value& entry : items_at(live, {"metadata", "managedFields"})) {
    if (text_at(entry, {"manager"}) != manager || !text_at(entry, {"subresource"}).empty()) continue;
    if (text_at(entry, {"operation"}) == "Apply") return {entry.find("fieldsV1"), true};
    out.fields = entry.find("fieldsV1");
  }
  return out;
}

bool walk_object(const Value& desired, const Value& live, std::string_view manager, const Sink& sink, bool with_paths) {
  const auto [fields, applied] = ours_in(live, manager);
  yaml::Arena arena(1024);
  const Value none = Value::map(arena);
  const Value& owned = fields != nullptr ? *fields : none;
  // Without their identity: the walk is over what apply looks at.
  const auto body = [&](const Value& object, bool always_metadata) {
    Value out = Value::map(arena);
    for (const yaml::Member& member : object.members())
      if (std::ranges::find(kIdentity, member.key) == std::end(kIdentity)) out.append(arena, yaml::Key(member.key), member.value);
    Value metadata = Value::map(arena);
    for (const std::string_view key : kMetadata)
      if (const Value* found = object.find_path({"metadata", key})) metadata.append(arena, yaml::Key(key), *found);
    if (always_metadata || !metadata.members().empty()) out.append(arena, "metadata", metadata);
    return out;
  };
  const Value wanted = body(desired, false), there = body(live, true);
  // Applying takes away what was applied before, not what another call wrote.
  Walker walker(sink, with_paths, applied);
  // An object that was never applied by us: every field becomes ours.
  return walker.walk(wanted, &there, fields != nullptr ? &owned : nullptr);
}

/// Endings of keys whose texts are credentials, in lower case and without `-` and `_`.
constexpr std::string_view kCredentials[] = {"token",     "sslkey",    "passphrase", "credentials", "privatekey",
                                             "secretkey", "accesskey", "apikey",     "clientsecret"};

bool says_password(std::string_view lower) {
  return lower.find("password") != lower.npos && lower.find("passwordsecret") == lower.npos;
}

bool names_credential(std::string_view key) {
  std::string name = to_lower(key);
  std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
  return says_password(name) || std::ranges::any_of(kCredentials, [&](std::string_view end) { return name.ends_with(end); });
}

/// A text under such a key, at any depth: references to Secrets are maps, whose texts have other keys.
bool holds_credential(std::string_view key, const Value& value) {
  if (value.is_map())
    return std::ranges::any_of(value.members(), [](const yaml::Member& m) { return holds_credential(m.key, m.value); });
  if (value.is_list())
    return std::ranges::any_of(value.items(), [&](const Value& item) { return holds_credential(key, item); });
  return value.is_string() && names_credential(key);
}

bool holds_secret(bool is_secret, std::string_view path, const Value& before, const Value& after) {
  if (is_secret && (path.starts_with(".data") || path.starts_with(".stringData"))) return true;
  if (says_password(to_lower(path))) return true;
  const std::string_view key = path.substr(path.rfind('.') + 1);
  return holds_credential(key, before) || holds_credential(key, after);
}

FieldChange change_of(bool is_secret, Change change, const std::string& path, const Value& before, const Value& after) {
  return {change, path, before, after, holds_secret(is_secret, path, before, after)};
}

bool is_secret(const Value& object) { return text_at(object, {"kind"}) == "Secret"; }

/// Both versions, field by field; items of lists by their names where all have one.
class Differ {
 public:
  Differ(bool is_secret, std::vector<FieldChange>& out) : secret_(is_secret), out_(out), path_(true) {}

  void walk(const Value* before, const Value* after) {
    if (before == nullptr || after == nullptr) {
      const Value* there = before != nullptr ? before : after;
      if (there->is_map() && !there->members().empty()) {
        for (const yaml::Member& m : there->members()) {
          const Path::Step step(path_, ".", m.key);
          walk(before != nullptr ? &m.value : nullptr, after != nullptr ? &m.value : nullptr);
        }
        return;
      }
      return say(before == nullptr ? Change::kAdded : Change::kRemoved, before, after);
    }
    if (before->is_map() && after->is_map()) return maps(*before, *after);
    if (before->is_list() && after->is_list()) return lists(*before, *after);
    if (!same_exactly(*before, *after)) say(Change::kChanged, before, after);
  }

 private:
  static bool same_exactly(const Value& a, const Value& b) { return yaml::equal(a, b); }
  void say(Change change, const Value* before, const Value* after) {
    out_.push_back(change_of(secret_, change, path_.text(), before != nullptr ? *before : Value(), after != nullptr ? *after : Value()));
  }
  void maps(const Value& before, const Value& after) {
    for (const yaml::Member& m : after.members()) {
      const Path::Step step(path_, ".", m.key);
      walk(before.find(m.key), &m.value);
    }
    for (const yaml::Member& m : before.members()) {
      if (after.find(m.key) != nullptr) continue;
      const Path::Step step(path_, ".", m.key);
      walk(&m.value, nullptr);
    }
  }
  static bool all_named(const Value& list) {
    std::set<std::string_view> names;
    return std::ranges::all_of(list.items(), [&](const Value& item) {
      const std::string_view name = text_at(item, {"name"});
      return !name.empty() && names.insert(name).second;
    });
  }
  static const Value* named(const Value& list, std::string_view name) {
    for (const Value& item : list.items())
      if (text_at(item, {"name"}) == name) return &item;
    return nullptr;
  }
  void lists(const Value& before, const Value& after) {
    if (all_named(before) && all_named(after)) {
      const auto step_into = [&](const Value& item, const Value* b, const Value* a) {
        const Path::Step step(path_, "[name=", text_at(item, {"name"}), "]");
        walk(b, a);
      };
      for (const Value& item : after.items()) step_into(item, named(before, text_at(item, {"name"})), &item);
      for (const Value& item : before.items())
        if (named(after, text_at(item, {"name"})) == nullptr) step_into(item, &item, nullptr);
      return;
    }
    const size_t most = std::max(before.size(), after.size());
    for (size_t i = 0; i < most; ++i) {
      const Path::Step step(path_, "[", std::to_string(i), "]");
      walk(i < before.size() ? &before.items()[i] : nullptr, i < after.size() ? &after.items()[i] : nullptr);
    }
  }

  bool secret_;
  std::vector<FieldChange>& out_;
  Path path_;
};

/// What the server keeps for itself.
constexpr std::string_view kServers[] = {"status", "apiVersion", "kind"};

Value users_part(yaml::Arena& arena, const Value& object) {
  Value out = Value::map(arena);
  Value metadata = Value::map(arena);
  for (const std::string_view key : kMetadata)
    if (const Value* found = object.find_path({"metadata", key})) metadata.append(arena, yaml::Key(key), *found);
  if (!metadata.members().empty()) out.append(arena, "metadata", metadata);
  for (const yaml::Member& m : object.members())
    if (m.key != "metadata" && std::ranges::find(kServers, m.key) == std::end(kServers)) out.append(arena, yaml::Key(m.key), m.value);
  return out;
}

}  // namespace

const Value* applied_fields(const Value& live, std::string_view manager) { return ours_in(live, manager).fields; }

std::vector<FieldChange> compare(const Value& desired, const Value& live, std::string_view manager) {
  std::vector<FieldChange> out;
  const bool secret = is_secret(desired);
  walk_object(desired, live, manager, [&](Change change, const std::string& path, const Value& before, const Value& after) {
    out.push_back(change_of(secret, change, path, before, after));
    return true;
  }, true);
  return out;
}

bool differs(const Value& desired, const Value& live, std::string_view manager) {
  return !walk_object(desired, live, manager, [](Change, const std::string&, const Value&, const Value&) { return false; }, false);
}

std::vector<FieldChange> compare_live(const Value& before, const Value& after) {
  std::vector<FieldChange> out;
  yaml::Arena arena(2048);
  const Value a = users_part(arena, before), b = users_part(arena, after);
  Differ(is_secret(after), out).walk(&a, &b);
  return out;
}

std::vector<FieldChange> all_added(const Value& desired) {
  std::vector<FieldChange> out;
  yaml::Arena arena(2048);
  const Value a = users_part(arena, desired);
  Differ(is_secret(desired), out).walk(nullptr, &a);
  return out;
}

}  // namespace dbm::release
