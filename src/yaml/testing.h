#pragma once

// For tests: reading a text without ceremony.

#include <string>

#include "yaml/reader.h"

namespace dbm::yaml::testing {

/// A text that was read, with everything that must outlive its tree.
struct Document {
  explicit Document(std::string text, ReadLimits limits = {}) {
    const uint16_t source = sources.add("t.yaml", std::move(text));
    if (const auto read_tree = read(arena, sources, source, diagnostics, limits)) tree = *read_tree;
  }
  /// "code 2:3" of the first diagnostic; empty when there is none.
  std::string first() const {
    const auto all = diagnostics.sorted();
    if (all.empty()) return {};
    return all[0].code + " " + std::to_string(all[0].pos.line) + ":" +
           std::to_string(all[0].pos.column);
  }
  const Value& at(std::initializer_list<std::string_view> path) const {
    static const Value kNone{};
    const Value* found = tree.find_path(path);
    return found != nullptr ? *found : kNone;
  }

  Sources sources;
  Arena arena;
  Diagnostics diagnostics;
  Value tree;
};

}  // namespace dbm::yaml::testing
