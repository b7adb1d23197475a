#pragma once

// A mark beside a server's files while they are ahead of the running process: written before they
// are, gone once the process has taken them. A run that is killed in between leaves it to the next.

#include <filesystem>

#include "base/result.h"

namespace dbm::local {

class Pending {
 public:
  /// `folder`: the server's own.
  explicit Pending(const std::filesystem::path& folder) : file_(folder / "cnpg-dbm.pending") {}
  bool is_set() const;
  Status set() const;
  void clear() const;

 private:
  std::filesystem::path file_;
};

}  // namespace dbm::local
