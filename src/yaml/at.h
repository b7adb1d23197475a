#pragma once

// Looking into trees that may be of any shape, in one step: what is not there, or of another kind, is
// empty.

#include <initializer_list>
#include <span>
#include <string_view>

#include "yaml/value.h"

namespace dbm::yaml {

using Path = std::initializer_list<std::string_view>;

inline std::string_view text_at(const Value& value, Path path) {
  const Value* found = value.find_path(path);
  return found != nullptr ? found->text() : std::string_view();
}
inline int64_t int_at(const Value& value, Path path, int64_t otherwise = 0) {
  const Value* found = value.find_path(path);
  return found != nullptr ? found->as_int().value_or(otherwise) : otherwise;
}
inline std::span<const Value> items_at(const Value& value, Path path) {
  const Value* found = value.find_path(path);
  return found != nullptr ? found->items() : std::span<const Value>();
}
inline std::span<const Member> members_at(const Value& value, Path path) {
  const Value* found = value.find_path(path);
  return found != nullptr ? found->members() : std::span<const Member>();
}

}  // namespace dbm::yaml
