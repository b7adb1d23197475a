#pragma once

// Files in and out, with every failure told.

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dbm::cli {

/// The whole file; "-" is standard input. The error's message is the system's reason alone.
Result<std::string> read_file(const std::string& path);

/// Buffered standard output. A full disk and a closed pipe are errors, not silence. Threads: one
/// writes, any may ask for error().
class Stdout {
 public:
  ~Stdout() { flush(); }
  void write(std::string_view text);
  std::string& buffer() { return buffer_; }
  /// False once something could not be written; `error` says why (empty for a closed pipe).
  bool flush();
  int error() const { return error_; }

 private:
  static constexpr size_t kBlock = 256 * 1024;
  std::string buffer_;
  std::atomic<int> error_ = 0;  // errno of the first failure
};

/// Writes a new file in the place of the old one (mode 0600 when it holds secrets). Nobody who opened
/// the old one, or put a link there, sees the text; a link or a device is refused. Threads: one.
Status write_file(const std::string& path, std::string_view text, bool is_private);

}  // namespace dbm::cli
