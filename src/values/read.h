#pragma once

// The values of a release from several files and --set arguments, merged in Helm's order.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "values/check.h"

namespace dbm::values {

struct Inputs {
  std::vector<std::string> files;  // "-" is standard input
  /// --set arguments by kind, in the order in which Helm applies them: json, set, string, file.
  std::vector<std::string> set_json, set, set_string, set_file;

  bool empty() const;
};

/// Reads a whole file; the error is the system's reason alone.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// Reads, merges and checks. All mistakes are in the result's diagnostics; when a file or an argument cannot be read,
/// nothing after it is checked. Never null.
std::unique_ptr<Checked> read(const Inputs& inputs, const CheckOptions& options, const ReadFile& read_file);

}  // namespace dbm::values
