#pragma once

// The values of a run: files and --set flags in Helm's order, merged, decoded and checked.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "render/render.h"
#include "spec/load.h"
#include "yaml/set_flags.h"

namespace dbm::cli {

/// Everything that came of the input. The values point into the arena and the sources.
struct Input {
  Sources sources;
  yaml::Arena arena{1 << 20};
  Diagnostics diagnostics;
  yaml::Value tree;
  spec::Values values;
  std::vector<render::ClusterPlan> clusters;
  render::Options options;  // of this run, --cnpg-version included
};

/// Reads, merges and checks; what is wrong is in `diagnostics`. When the values are sound, the
/// objects (without Secrets) are rendered and judged by CloudNativePG's rules too.
std::unique_ptr<Input> read_input(const ValueFlags& flags);
/// The same from a tree that is already there (a KRM function's configuration); `applyset` is the
/// release's render::applyset_id().
void check_tree(Input& input, const ValueFlags& flags, std::string applyset);

}  // namespace dbm::cli
