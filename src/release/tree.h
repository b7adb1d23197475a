#pragma once

// Looking into Kubernetes objects.

#include "yaml/at.h"

namespace dbm::release {

using yaml::int_at;
using yaml::items_at;
using yaml::members_at;
using yaml::text_at;

inline std::string_view label(const yaml::Value& object, std::string_view key) {
  return text_at(object, {"metadata", "labels", key});
}
inline std::string_view annotation(const yaml::Value& object, std::string_view key) {
  return text_at(object, {"metadata", "annotations", key});
}

}  // namespace dbm::release
