#pragma once

// One `up`, `down`, `backup` or `restore` at a time in a folder of the local engine. The lock is the
// kernel's (flock): it goes with the process, however that ends.

#include <chrono>
#include <filesystem>
#include <functional>

#include "base/result.h"

namespace dbm::local {

class Lock {
 public:
  /// Waits up to `patience` for another holder; `waiting` is called once, with who it is, before.
  static Result<Lock> take(const std::filesystem::path& file, std::string_view command,
                           std::chrono::seconds patience,
                           const std::function<void(const std::string& holder)>& waiting);
  Lock(Lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Lock& operator=(Lock&&) = delete;
  ~Lock();

 private:
  explicit Lock(int file) : file_(file) {}
  int file_;
};

}  // namespace dbm::local
