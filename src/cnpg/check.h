#pragma once

// Type-checks what users pass through to CloudNativePG (additionalClusterSpec, postgresql, …)
// against the CRDs' table, with the user's places, and puts it into the form the API server wants:
// a number where a string is asked becomes its text, `yes` where a boolean is asked becomes true.

#include <string>

#include "cnpg/crd_table.h"
#include "yaml/value.h"

namespace dbm::cnpg {

struct CheckContext {
  Version version;
  std::string path;  // of the value: "clusters.main.additionalClusterSpec"
  Diagnostics& out;
  bool lenient = false;  // unknown fields are warnings
  /// The value is to be merged into an object: required fields may come from elsewhere.
  bool partial = false;
  /// Only report; the value stays as it is.
  bool judge_only = false;
};

/// Reports every mistake; `value` is replaced by its normal form (the original is not written to).
void check_type(yaml::Arena& arena, yaml::Value& value, const Type& type, CheckContext& context);

}  // namespace dbm::cnpg
