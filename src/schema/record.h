#pragma once

// The schema: one table row (Key) per key of the values file. From the same rows come decoding,
// validation, "did you mean", the JSON Schema, `explain` and docs/values.md.
//
// A key is a struct member and its row:
//     struct Backup : Located { std::string_view schedule = "0 0 0 * * *"; };
//     key<&Backup::schedule>("schedule", "When to take base backups.", {.check = check_schedule})
// The member's type says what the file may hold, its initialiser is the default (the only place
// of it). Tables are static and read-only: any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "yaml/value.h"

namespace dbm::schema {

class Decoder;
struct Record;

/// Base of every record: where it stands in the file. `at` is the map it was decoded from.
struct Located {
  yaml::Value at;
  /// Place of the value of `key`, else of the record itself.
  Pos pos(std::string_view key) const {
    const yaml::Value* v = at.find(key);
    return v != nullptr ? v->pos() : at.pos();
  }
  bool has(std::string_view key) const {
    const yaml::Value* v = at.find(key);
    return v != nullptr && !v->is_null();
  }
};

/// A map with free keys (`clusters.<name>`), in the order of the file.
template <class T>
struct Entry {
  std::string_view key;
  Pos pos;  // of the key
  T value;
};
template <class T>
using Dict = std::vector<Entry<T>>;

/// Specialise for an enum: `static constexpr std::string_view kNames[]`, in the enum's order.
template <class E>
struct EnumNames;

enum class Shape : uint8_t { kText, kBool, kInteger, kEnum, kList, kMap, kRecord, kTree };

struct Type {
  Shape shape;
  const Record& (*record)() = nullptr;           // kRecord
  const Type* element = nullptr;                 // kList, kMap
  std::span<const std::string_view> names = {};  // kEnum
};

using Check = void (*)(Decoder&, const yaml::Value&);

struct KeyOptions {
  bool required = false;
  bool secret = false;          // never quoted in a message
  std::string_view cnpg = {};   // kTree: where in CNPG's CRDs its type stands ("Cluster.spec")
  bool partial = false;         // kTree: merged into an object that has the required fields
  Check check = nullptr;        // further rules on a value of the right type
  int64_t minimum = INT64_MIN;  // kInteger
  int64_t maximum = INT64_MAX;
  std::string_view pattern = {};  // for editors only (JSON Schema); `check` decides
  std::string_view example = {};  // for `explain` and docs
};

struct Key {
  std::string_view name;
  std::string_view doc;
  KeyOptions options;
  const Type* type;
  void (*decode)(Decoder&, const Key&, const yaml::Value&, void* record);
  /// The default as a value, null when there is none. The result lives as long as the arena.
  yaml::Value (*default_value)(yaml::Arena&);
};

/// The keys of one kind of map.
struct Record {
  std::string_view name;  // for docs and $defs: "Cluster"
  std::string_view doc;
  std::span<const Key> keys;
  const Key* find(std::string_view key) const;
  std::vector<std::string_view> key_names() const;
};

/// Specialised by the owner of T, beside its rows.
template <class T>
const Record& record_of();

template <class T>
struct TypeOf;

template <class T>
inline constexpr const Type& type_of = TypeOf<T>::kType;

template <>
struct TypeOf<std::string_view> {
  static constexpr Type kType{.shape = Shape::kText};
};
template <>
struct TypeOf<bool> {
  static constexpr Type kType{.shape = Shape::kBool};
};
template <>
struct TypeOf<int64_t> {
  static constexpr Type kType{.shape = Shape::kInteger};
};
template <>
struct TypeOf<yaml::Value> {
  static constexpr Type kType{.shape = Shape::kTree};
};
template <class E>
  requires std::is_enum_v<E>
struct TypeOf<E> {
  static constexpr Type kType{.shape = Shape::kEnum, .names = EnumNames<E>::kNames};
};
template <class T>
struct TypeOf<std::optional<T>> : TypeOf<T> {};
template <class T>
struct TypeOf<std::vector<T>> {
  static constexpr Type kType{.shape = Shape::kList, .element = &TypeOf<T>::kType};
};
template <class T>
struct TypeOf<std::vector<Entry<T>>> {
  static constexpr Type kType{.shape = Shape::kMap, .element = &TypeOf<T>::kType};
};
template <class T>
  requires std::is_base_of_v<Located, T>
struct TypeOf<T> {
  static constexpr Type kType{.shape = Shape::kRecord, .record = &record_of<T>};
};

template <class E>
constexpr std::string_view enum_name(E value) {
  return EnumNames<E>::kNames[static_cast<size_t>(value)];
}

}  // namespace dbm::schema
