#pragma once

// Value: the one tree of the program - what a values file says and what a Kubernetes object holds -
// with the place of every key and value.
//
// A Value is a 24-byte handle; texts and containers belong to an Arena (and the texts of a file to
// Sources), which must live as long as the Value. Copying a Value copies the handle: both share the
// container (that is how YAML aliases cost nothing), so a container is written only by who made it;
// merge() and clone() make new ones. Threads: distinct arenas may be used by distinct threads; a
// finished tree may be read by any.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/diagnostics.h"

namespace dbm::yaml {

/// Memory for trees: allocation is a pointer bump, everything is freed at once. reset() keeps the
/// first block: an arena that is used again and again asks the system for nothing.
class Arena {
 public:
  explicit Arena(size_t first_block = 16 * 1024)
      : first_(std::make_unique_for_overwrite<std::byte[]>(first_block)),
        memory_(first_.get(), first_block) {}
  template <class T>
  T* allocate(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(memory_.allocate(count * sizeof(T), alignof(T)));
  }
  std::string_view copy(std::string_view text);
  /// All parts one after the other, as one text.
  std::string_view concat(std::initializer_list<std::string_view> parts);
  void reset() { memory_.release(); }

 private:
  std::unique_ptr<std::byte[]> first_;
  std::pmr::monotonic_buffer_resource memory_;
};

/// The type of a value as Helm reads YAML (YAML 1.1 scalars as go-yaml v2 resolves them).
enum class Kind : uint8_t { kNull, kBool, kInt, kFloat, kString, kList, kMap };
std::string_view to_string(Kind kind);  // "a number", "a list", …, for messages

struct Member;

/// A key of a map; the text must outlive the tree. One that stands in the program's own text is
/// known, since it was compiled, to need no quotes in YAML: writing it is quicker.
struct Key {
  std::string_view text;
  bool plain = false;

  Key(std::string_view t) : text(t) {}  // NOLINT: implicit
  template <size_t n>
  consteval Key(const char (&literal)[n]) : text(literal, n - 1), plain(is_plain(text)) {}  // NOLINT

 private:
  /// Letters, digits, `-`, `.` and `/` after a letter, and no word such as `yes` or `null`.
  static constexpr bool is_plain(std::string_view t) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (t.empty() || !letter(t[0])) return false;
    for (const char c : t)
      if (!letter(c) && c != '_' && !(c >= '-' && c <= '9')) return false;
    for (const std::string_view word : {"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
      if (t == word) return false;  // capitals: our keys have none at their start
    return t[0] >= 'a' || t.size() > 5;
  }
};

class Value {
 public:
  Value() = default;  // null, without a place

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_map() const { return kind_ == Kind::kMap; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_scalar() const { return kind_ < Kind::kList; }
  bool is_container() const { return kind_ >= Kind::kList; }

  Pos pos() const { return pos_; }
  Value at(Pos pos) const {
    Value v = *this;
    v.pos_ = pos;
    return v;
  }

  /// A scalar as it is written (without quotes; escapes resolved); empty for containers and null.
  std::string_view text() const { return is_scalar() ? std::string_view(text_, size_) : std::string_view(); }
  std::optional<bool> as_bool() const;
  std::optional<int64_t> as_int() const;  // also 0x1F, 0o17, 017, 1_000 as go-yaml v2 reads them
  std::optional<double> as_double() const;

  std::span<const Value> items() const;     // empty unless a list
  std::span<const Member> members() const;  // empty unless a map; in the order of writing
  size_t size() const { return is_map() ? members().size() : items().size(); }
  /// Value of `key`, or null pointer when this is no map or has no such key.
  const Value* find(std::string_view key) const;
  const Member* find_member(std::string_view key) const;
  /// Follows keys down from here; null pointer when one is missing.
  const Value* find_path(std::initializer_list<std::string_view> keys) const;

  static Value null(Pos pos = {}) { return scalar(Kind::kNull, {}, pos); }
  static Value boolean(bool b, Pos pos = {}) { return scalar(Kind::kBool, b ? "true" : "false", pos); }
  static Value integer(Arena& arena, int64_t i, Pos pos = {});
  static Value string(std::string_view text, Pos pos = {}) { return scalar(Kind::kString, text, pos); }
  /// A string that the caller knows to need no quotes in YAML; writing it is quicker.
  static Value plain(std::string_view text, Pos pos = {}) {
    Value v = string(text, pos);
    v.plain_ = true;
    return v;
  }
  bool is_plain() const { return plain_; }
  /// `text` must be a legal spelling of that kind and outlive the tree.
  static Value scalar(Kind kind, std::string_view text, Pos pos = {}) {
    Value v;
    v.pos_ = pos;
    v.text_ = text.data();
    v.size_ = static_cast<uint32_t>(text.size());
    v.kind_ = kind;
    return v;
  }
  static Value list(Arena& arena, Pos pos = {}, size_t reserve = 0);
  static Value map(Arena& arena, Pos pos = {}, size_t reserve = 0);
  /// With copies of these, and room for `more`.
  static Value list(Arena& arena, Pos pos, std::span<const Value> items, size_t more = 0);
  static Value map(Arena& arena, Pos pos, std::span<const Member> members, size_t more = 0);

  // REQUIRES: push is called on a list, the others on a map that was made (by list(), map() or
  // reading); anything else ends the program. Copies of a Value share the container that is changed.
  /// Appends to this list.
  void push(Arena& arena, Value value);
  /// Sets a key of this map: replaces the value in its place when there, else appends.
  /// Returns the value where it now stands, good until the next set.
  Value& set(Arena& arena, Key key, Value value, Pos key_pos = {});
  /// As set, without looking whether the key is there.
  Value& append(Arena& arena, Key key, const Value& value, Pos key_pos = {});
  /// Removes a key of this map; true when it was there.
  bool erase(std::string_view key);

 private:
  struct ListData;
  struct MapData {
    Member* members;
    uint32_t size, capacity;
  };
  static void grow(Arena& arena, MapData& map);
  [[noreturn]] static void wrong_kind(Kind is, Kind required);
  void require(Kind kind) const {
    if (kind_ != kind) [[unlikely]] wrong_kind(kind_, kind);
  }

  Pos pos_;
  union {
    const char* text_ = nullptr;
    ListData* list_;
    MapData* map_;
  };
  uint32_t size_ = 0;  // of a text
  Kind kind_ = Kind::kNull;
  bool plain_ = false;
  bool plain_key_ = false;  // of the key that it stands under: kept here, where there is room
  friend struct Member;
};
static_assert(sizeof(Value) == 24);

struct Member {
  std::string_view key;
  Pos key_pos;
  Value value;
  bool has_plain_key() const { return value.plain_key_; }
};

// Inline and piece by piece, so that the pieces of a new scalar go from registers to their place.
// Written to the stack first and read from there as a whole, they would make the processor wait:
// that took a sixth of rendering.
inline Value& Value::append(Arena& arena, Key key, const Value& value, Pos key_pos) {
  require(Kind::kMap);
  MapData& map = *map_;
  if (map.size == map.capacity) grow(arena, map);
  Member& member = map.members[map.size++];
  member.key = key.text;
  member.key_pos = key_pos;
  member.value.pos_ = value.pos_;
  member.value.text_ = value.text_;  // whichever of the union it is
  member.value.size_ = value.size_;
  member.value.kind_ = value.kind_;
  member.value.plain_ = value.plain_;
  member.value.plain_key_ = key.plain;
  return member.value;
}

/// Kind of a plain (unquoted) scalar as go-yaml v2, and so Helm, resolves it.
Kind resolve_plain(std::string_view text);

/// A copy that shares no container with the original.
Value clone(Arena& arena, const Value& value);

/// A copy with its own containers, keys and texts: it needs `arena` only.
Value copy(Arena& arena, const Value& value);

/// Helm's merge: maps merge key by key, `over` wins, everything else replaces; a null in `over`
/// removes the key. Neither input is changed; parts that need no merging are shared.
Value merge(Arena& arena, const Value& base, const Value& over);

/// Equal kinds, texts and structure; places do not count, nor the order of a map's keys.
bool equal(const Value& a, const Value& b);

}  // namespace dbm::yaml
