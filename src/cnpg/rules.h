#pragma once

// What CloudNativePG's admission webhooks (and the API server's CEL rules) refuse although the
// CRDs' types allow it: judged on whole objects, as they would be sent. Source of the rules:
// internal/webhook/v1 and api/v1 of CloudNativePG 1.25 to 1.30.
//
// Places are those of the values that the object was rendered from. Threads: any, one object each.

#include "cnpg/crd_table.h"
#include "yaml/value.h"

namespace dbm::cnpg {

/// Reports every mistake in one object; other projects' kinds pass. `types` false: the types were
/// found wanting before, only the rules are asked.
void check_object(const yaml::Value& object, Version version, bool types, Diagnostics& out);

}  // namespace dbm::cnpg
