#pragma once

// Which kinds of objects a file makes, and in which namespaces. Pure.

#include "kube/kinds.h"
#include "release/applyset.h"
#include "release/session.h"

namespace dbm::release {

/// Secrets are always among the kinds. Kinds of the file's extraObjects only as far as `kinds` knows
/// them.
ApplySet expected(const Source& source, kube::Kinds& kinds);

}  // namespace dbm::release
