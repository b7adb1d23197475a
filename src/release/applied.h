#pragma once

// The part of a live object that is ours: what to send so that server-side apply leaves everything
// as it is. Pure.

#include <string_view>

#include "release/live.h"
#include "yaml/value.h"

namespace dbm::release {

/// The fields of `live` that `manager` applied (applied_fields), with who the object is: apiVersion,
/// kind, name and namespace, as far as `live` says so. Fields that are gone are left out; a leaf is
/// its whole value. Without an entry of that manager: who it is, and nothing else. Containers are
/// new, in `arena`: changing them leaves `live` as it is. Keys and texts are shared with it.
yaml::Value applied_part(yaml::Arena& arena, const yaml::Value& live, std::string_view manager);

/// The same of an item of a list, which may not say its kind.
yaml::Value applied_part(yaml::Arena& arena, const LiveObject& live, std::string_view manager);

}  // namespace dbm::release
