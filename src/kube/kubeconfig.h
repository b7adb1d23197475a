#pragma once

// Kubeconfig files as texts: merging, choosing a context, and what of it this program takes.
//
// Pure but for `read`. Threads: any.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kube/config.h"

namespace dbm::kube {

struct KubeconfigFile {
  std::string path;  // for messages; paths in it are relative to its folder
  std::string text;
};

/// Reads a certificate or a key.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// The way that the flags choose, else current-context. As in kubectl the first file that has a name
/// wins it, and a mistake in an entry that is not chosen is none. Nothing: no file holds anything,
/// and no flag asks for a context.
Result<std::optional<Config>> config_of(std::vector<KubeconfigFile> files, const ConfigFlags& flags,
                                        const ReadFile& read);

}  // namespace dbm::kube
