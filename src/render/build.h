#pragma once

// Handles to write Kubernetes objects with: one line a field. What is not there (a null text, an
// empty optional, a null tree) is left out. Keys and texts must outlive the arena; copy() what
// does not.

#include <optional>

#include "schema/record.h"
#include "spec/values.h"
#include "yaml/value.h"

namespace dbm::render {

class Map {
 public:
  explicit Map(yaml::Arena& arena, size_t reserve = 4)
      : arena_(&arena), value_(yaml::Value::map(arena, {}, reserve)) {}
  Map(yaml::Arena& arena, yaml::Value map) : arena_(&arena), value_(map) {}

  yaml::Arena& arena() const { return *arena_; }
  const yaml::Value& value() const { return value_; }

  Map& set(yaml::Key key, const yaml::Value& v) {
    if (!v.is_null()) value_.append(*arena_, key, v, v.pos());
    return *this;
  }
  Map& set(yaml::Key key, std::string_view text, Pos pos = {}) {
    if (text.data() != nullptr) value_.append(*arena_, key, yaml::Value::string(text, pos), pos);
    return *this;
  }
  Map& set(yaml::Key key, const char* text) { return set(key, std::string_view(text)); }
  /// A text that dies before the arena.
  Map& copy(yaml::Key key, std::string_view text, Pos pos = {}) {
    return set(key, arena_->copy(text), pos);
  }
  Map& set(yaml::Key key, bool b, Pos pos = {}) {
    value_.append(*arena_, key, yaml::Value::boolean(b, pos), pos);
    return *this;
  }
  Map& set(yaml::Key key, int64_t i, Pos pos = {}) {
    value_.append(*arena_, key, yaml::Value::integer(*arena_, i, pos), pos);
    return *this;
  }
  template <class E>
    requires std::is_enum_v<E>
  Map& set(yaml::Key key, E e, Pos pos = {}) {
    return set(key, schema::enum_name(e), pos);
  }
  template <class T>
  Map& set(yaml::Key key, const std::optional<T>& v, Pos pos = {}) {
    if (v) set(key, *v, pos);
    return *this;
  }
  Map& set(yaml::Key key, const Map& map) { return set(key, map.value_); }
  Map& set(yaml::Key key, const schema::Dict<std::string_view>& texts) {
    if (texts.empty()) return *this;
    Map map(*arena_, texts.size());
    for (const auto& entry : texts) map.set(entry.key, entry.value, entry.pos);
    return set(key, map);
  }
  /// A new map under `key`.
  Map map(yaml::Key key, size_t reserve = 4) {
    Map child(*arena_, reserve);
    set(key, child.value_);
    return child;
  }
  bool empty() const { return value_.members().empty(); }

 private:
  yaml::Arena* arena_;
  yaml::Value value_;
};

class List {
 public:
  explicit List(yaml::Arena& arena, size_t reserve = 4)
      : arena_(&arena), value_(yaml::Value::list(arena, {}, reserve)) {}
  const yaml::Value& value() const { return value_; }
  List& add(const yaml::Value& v) {
    value_.push(*arena_, v);
    return *this;
  }
  List& add(const Map& map) { return add(map.value()); }
  List& add(std::string_view text, Pos pos = {}) { return add(yaml::Value::string(text, pos)); }
  bool empty() const { return value_.items().empty(); }

 private:
  yaml::Arena* arena_;
  yaml::Value value_;
};

}  // namespace dbm::render
