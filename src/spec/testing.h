#pragma once

// For tests: a values file from a text.

#include <string>

#include "spec/load.h"
#include "yaml/testing.h"

namespace dbm::spec::testing {

/// Values with everything that must outlive them.
struct Loaded {
  explicit Loaded(std::string text, schema::DecodeOptions options = {}) : file(std::move(text)) {
    values = load(file.arena, file.tree, file.diagnostics, options);
  }
  /// "code line" of each diagnostic, in the order of the file; warnings in brackets.
  std::string said() const {
    std::string out;
    for (const Diagnostic& d : file.diagnostics.sorted()) {
      if (!out.empty()) out += ' ';
      const std::string one = d.code + ":" + std::to_string(d.pos.line);
      out += d.severity == Severity::kError ? one : "[" + one + "]";
    }
    return out;
  }
  yaml::testing::Document file;
  Values values;
};

/// A file with one sound cluster, `body` (indented by four) added to it.
inline std::string cluster(std::string_view body) {
  std::string text = "clusters:\n  main:\n    enabled: true\n";
  text += body;
  return text;
}

}  // namespace dbm::spec::testing
