#pragma once

// The Secrets that an object refers to by name. Pure.

#include <string>
#include <vector>

#include "yaml/value.h"

namespace dbm::release {

/// `keys`: those that must be there; `user`: what its `username` must be (a role's), empty: anything.
struct SecretReference {
  std::string name;
  std::vector<std::string> keys;
  std::string user;
  std::string field;  // where it stands: "spec.superuserSecret"
};

std::vector<SecretReference> secret_references(const yaml::Value& object);

}  // namespace dbm::release
