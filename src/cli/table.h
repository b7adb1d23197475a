#pragma once

// A table for a terminal: columns as wide as their widest cell. Pure.

#include <string>
#include <vector>

namespace dbm::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  /// Every line begins with `indent`; nothing when there is no row. What a terminal would take for
  /// a command is escaped.
  std::string text(std::string_view indent) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace dbm::cli
