#pragma once

// Reading YAML as Helm does (YAML 1.1 scalars, merge keys), with the place of every key and value.
// libyaml parses (go-yaml, which Helm reads with, is its port to Go); this file's own part is what Helm's readers leave open: duplicate keys, unknown
// tags and hostile input are refused with a place and a reason.
//
// The tree's texts point into the source's text where they can, else into the arena.

#include <optional>
#include <vector>

#include "yaml/value.h"

namespace dbm::yaml {

struct ReadLimits {
  size_t bytes = 256u << 20;
  size_t depth = 60;                      // of lists and maps in each other, aliases counted likewise
  uint64_t expanded_nodes = 20'000'000;   // with every alias counted as what it stands for
};

/// Every document of the source; what could not be read is reported and left out.
std::vector<Value> read_all(Arena& arena, const Sources& sources, uint16_t source,
                            Diagnostics& diagnostics, ReadLimits limits = {});

/// The only document of the source: null for an empty one. More than one is an error (Helm would
/// silently take the first).
std::optional<Value> read(Arena& arena, const Sources& sources, uint16_t source,
                          Diagnostics& diagnostics, ReadLimits limits = {});

}  // namespace dbm::yaml
