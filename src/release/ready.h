#pragma once

// Whether an object has become what its spec says, by what its operator writes into its status. One
// rule a kind; pure. Source: CloudNativePG api/v1 and internal/controller, 1.25 to 1.30.

#include <string>
#include <string_view>

#include "yaml/value.h"

namespace dbm::release {

enum class State : uint8_t {
  kReady,
  kWaiting,  // the operator is at it, or has not looked yet
  kFailed,   // the operator says why it does not go on; it may try again by itself
};

struct Readiness {
  State state = State::kWaiting;
  std::string message;  // the operator's own, where it has one
};

std::string_view to_string(State state);  // "ready"

/// True when there is a rule for the kind.
bool has_readiness(std::string_view kind);

/// An object of a kind without a rule is ready.
Readiness readiness(const yaml::Value& object);

}  // namespace dbm::release
