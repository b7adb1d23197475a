#pragma once

// What must not happen because a line vanished from a file: changes that lose data, or that
// CloudNativePG can never carry out. Found before anything is written. Pure.

#include <string>
#include <vector>

#include "release/live.h"
#include "release/wanted.h"

namespace dbm::release {

/// `name` is what --allow-destroy must say to let it through; `object` is "Cluster main".
struct Danger {
  std::string name, object, what;
};

/// Taking this object away.
void guard_removal(const LiveObject& live, std::vector<Danger>& out);
/// Making this object what is wanted.
void guard_change(const LiveObject& live, const Object& wanted, std::vector<Danger>& out);

/// Changes that lose nothing and that one should know of before they happen.
void notice_change(const LiveObject& live, const Object& wanted, std::vector<std::string>& out);

}  // namespace dbm::release
