#pragma once

// The objects of one cluster, kept: for engines that make them true themselves.

#include <vector>

#include "render/render.h"

namespace dbm::render {

/// Every object of `kind` of the cluster, in the order of the file, as copies in `arena`. Not for
/// Secrets: there are no passwords here.
std::vector<yaml::Value> collect(yaml::Arena& arena, const spec::Values& values,
                                 const ClusterPlan& plan, const Options& options,
                                 std::string_view kind);

}  // namespace dbm::render
