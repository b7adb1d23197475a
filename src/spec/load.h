#pragma once

// From a tree to checked values: decodes by the schema's rows and runs every rule that looks at
// more than one key.

#include "schema/decode.h"
#include "spec/values.h"

namespace dbm::spec {

/// Reports every mistake; the values are fit for rendering only when there was no error.
/// The tree, its sources and the arena must outlive the values.
Values load(yaml::Arena& arena, const yaml::Value& tree, Diagnostics& diagnostics,
            const schema::DecodeOptions& options);

}  // namespace dbm::spec
