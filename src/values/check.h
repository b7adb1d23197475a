#pragma once

// From a tree of values to typed, checked values: the steps between reading text and rendering objects, the same for
// every command and for a controller. Pure: no file, no network, no terminal.

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "render/render.h"
#include "spec/values.h"
#include "yaml/value.h"

namespace dbm::values {

struct CheckOptions {
  render::Options render;    // `version` and `applyset` are set by check()
  std::string cnpg_version;  // "1.25" to "1.30"; empty: the newest
  bool lenient = false;      // unknown keys are warnings
  bool strict = false;       // warnings are errors
};

/// The result of reading and checking. `values` and `clusters` point into `arena` and `sources`, so it is neither
/// copied nor moved. Threads: one writes, then any number read.
struct Checked {
  Checked() = default;
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;

  Sources sources;
  yaml::Arena arena{1 << 20};
  Diagnostics diagnostics;
  yaml::Value tree;  // merged, as the user wrote it
  spec::Values values;
  std::vector<render::ClusterPlan> clusters;
  render::Options options;  // of this run, the version included
};

/// Decodes and checks `checked.tree`; every mistake goes to `checked.diagnostics`. When there is none so far, the
/// objects (without Secrets) are rendered and checked by CloudNativePG's rules too.
/// REQUIRES: `checked.tree` lives in `checked.arena`; `applyset` is the release's render::applyset_id().
void check(Checked& checked, const CheckOptions& options, std::string applyset);

}  // namespace dbm::values
