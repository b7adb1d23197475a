#include "cli/table.h"

#include <algorithm>

#include "base/text.h"

namespace dbm::cli {
namespace {

/// Characters, not bytes; wide ones count as one.
size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string Table::text(std::string_view indent) const {
  if (empty()) return {};
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    auto& cells = rows.emplace_back();
    for (const std::string& cell : row) {
      cells.push_back(printable(cell, 400));
      if (widths.size() < cells.size()) widths.push_back(0);
      widths[cells.size() - 1] = std::max(widths[cells.size() - 1], width(cells.back()));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    out += indent;
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace dbm::cli
