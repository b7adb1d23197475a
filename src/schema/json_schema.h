#pragma once

// The schema's rows as a JSON Schema (draft 2020-12), for editors: descriptions, defaults, enums,
// and what is passed through to CloudNativePG with its CRDs' types.

#include "cnpg/crd_table.h"
#include "schema/record.h"

namespace dbm::schema {

/// Lives as long as the arena. As the program itself does, it takes a number or a boolean where
/// a string is wanted, and null for every key.
yaml::Value json_schema(const Record& root, cnpg::Version version, yaml::Arena& arena);

}  // namespace dbm::schema
