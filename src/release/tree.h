#pragma once

// Looking into objects: short names for what every file of this module asks.

#include <initializer_list>
#include <span>
#include <string_view>

#include "yaml/value.h"

namespace dbm::release {

/// The text at `path`; empty when there is none.
inline std::string_view text_at(const yaml::Value& object, std::initializer_list<std::string_view> path) {
  const yaml::Value* found = object.find_path(path);
  return found != nullptr ? found->text() : std::string_view();
}
inline int64_t int_at(const yaml::Value& object, std::initializer_list<std::string_view> path, int64_t otherwise = 0) {
  const yaml::Value* found = object.find_path(path);
  return found != nullptr ? found->as_int().value_or(otherwise) : otherwise;
}
inline std::span<const yaml::Value> items_at(const yaml::Value& object, std::initializer_list<std::string_view> path) {
  const yaml::Value* found = object.find_path(path);
  return found != nullptr ? found->items() : std::span<const yaml::Value>();
}
inline std::span<const yaml::Member> members_at(const yaml::Value& object, std::initializer_list<std::string_view> path) {
  const yaml::Value* found = object.find_path(path);
  return found != nullptr ? found->members() : std::span<const yaml::Member>();
}
inline std::string_view label(const yaml::Value& object, std::string_view key) {
  return text_at(object, {"metadata", "labels", key});
}
inline std::string_view annotation(const yaml::Value& object, std::string_view key) {
  return text_at(object, {"metadata", "annotations", key});
}

}  // namespace dbm::release
