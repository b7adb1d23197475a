#pragma once

// `status` of a release on a Kubernetes API.

#include <string>

#include "cli/flags.h"

namespace dbm::cli {

struct ReleaseStatusFlags {
  ReleaseFlags release;
  KubeFlags kube;
  std::string output = "text";
  bool watch = false;
};

/// Prints it; kDone when all is well, else kRefused. With `watch` until it is interrupted.
int release_status(const ReleaseStatusFlags& flags);

}  // namespace dbm::cli
