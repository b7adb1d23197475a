#pragma once

// Helm's --set language (pkg/strvals): `a.b[0].c=v,d=e`, `a.b\.c=v`, `a={x,y}`, `a=null`.

#include <functional>
#include <optional>
#include <string>

#include "yaml/value.h"

namespace dbm::yaml {

enum class SetKind : uint8_t {
  kTyped,   // --set: true, false, null and whole numbers are what they look like
  kString,  // --set-string: every value is a string
  kFile,    // --set-file: the value is a path, and what it holds is the value
  kJson,    // --set-json: the value is JSON
};

/// Reads a file for --set-file; reports and returns nothing when it cannot.
using ReadFile = std::function<std::optional<std::string>(const std::string& path, Pos pos)>;

/// A copy of `base` with the argument applied; mistakes are reported with their place inside the
/// argument, which is the text of `source`.
Value apply_set(Arena& arena, const Value& base, Sources& sources, uint16_t source, SetKind kind,
                Diagnostics& diagnostics, const ReadFile& read_file);

}  // namespace dbm::yaml
