#pragma once

// Reading JSON (RFC 8259) as an API server sends it; Boost.JSON parses. Writing is yaml::write_json.
//
// The YAML reader is no stand-in: it folds line ends within strings and refuses surrogate pairs.
// Threads: any, on different arenas.

#include <string_view>

#include "base/result.h"
#include "yaml/value.h"

namespace dbm::kube {

/// The only value of `text`, without places. Its texts point into `text` where they can, else into
/// the arena: both must outlive it. An error says what is wrong and at which byte; it never quotes
/// the text, which may hold a secret.
Result<yaml::Value> read_json(yaml::Arena& arena, std::string_view text);

}  // namespace dbm::kube
