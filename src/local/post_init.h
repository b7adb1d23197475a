#pragma once

// How far initdb.postInitSQL has come, in a file of the data folder that it ran on: whatever is lost
// beside the data, no statement runs again on it. A folder without the file (a restored one, or an
// earlier version's) has nothing to run. Threads: one at a time.

#include <cstddef>
#include <filesystem>
#include <optional>

#include "base/result.h"

namespace dbm::local {

class PostInit {
 public:
  /// `data`: the primary's data folder.
  explicit PostInit(const std::filesystem::path& data) : file_(data / "cnpg-dbm.post-init") {}
  /// The index of the statement to run next; nothing when there is none.
  Result<std::optional<size_t>> next() const;
  /// Keeps that statements before `next` were run.
  Status keep(size_t next) const;
  /// All were run: what the values file gets later is not for this data.
  Status finish() const;

 private:
  std::filesystem::path file_;
};

}  // namespace dbm::local
