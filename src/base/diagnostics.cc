#include "base/diagnostics.h"

#include <algorithm>
#include <tuple>

namespace dbm {

uint16_t Sources::add(std::string name, std::string text) {
  entries_.push_back({std::move(name), std::move(text), {}});
  return static_cast<uint16_t>(entries_.size() - 1);
}

std::string_view Sources::line(Pos pos) const {
  if (!pos || pos.source >= entries_.size()) return {};
  const Entry& entry = entries_[pos.source];
  std::string_view text = entry.text;
  if (entry.line_starts.empty()) {
    entry.line_starts.push_back(0);
    for (size_t i = 0; (i = text.find('\n', i)) != text.npos;) entry.line_starts.push_back(++i);
  }
  if (pos.line > entry.line_starts.size()) return {};
  std::string_view line = text.substr(entry.line_starts[pos.line - 1]);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Diagnostic& Diagnostics::add(Severity severity, std::string_view code, Pos pos, std::string path,
                             std::string message, std::string hint) {
  items_.push_back({severity, std::string(code), pos, std::move(path), std::move(message),
                    std::move(hint), {}, {}});
  if (severity == Severity::kError) ++errors_;
  return items_.back();
}

Diagnostic& Diagnostics::error(std::string_view code, Pos pos, std::string path,
                               std::string message, std::string hint) {
  return add(Severity::kError, code, pos, std::move(path), std::move(message), std::move(hint));
}

Diagnostic& Diagnostics::warning(std::string_view code, Pos pos, std::string path,
                                 std::string message, std::string hint) {
  return add(Severity::kWarning, code, pos, std::move(path), std::move(message), std::move(hint));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> out(items_.begin(), items_.end());
  auto place = [](const Diagnostic& d) {
    return std::tuple(d.pos.source, d.pos.line, d.pos.column);
  };
  std::ranges::stable_sort(out, {}, place);
  return out;
}

void Diagnostics::append(Diagnostics&& other) {
  errors_ += other.errors_;
  for (Diagnostic& d : other.items_) items_.push_back(std::move(d));
  other = {};
}

template <class Drop>
Diagnostics Diagnostics::filtered(const Drop& drop) {
  Diagnostics out;
  for (Diagnostic& d : items_) {
    if (drop(d)) continue;
    out.errors_ += d.severity == Severity::kError ? 1 : 0;
    out.items_.push_back(std::move(d));
  }
  return out;
}

Diagnostics Diagnostics::without(const std::set<Pos>& places) && {
  return filtered([&](const Diagnostic& d) { return places.contains(d.pos); });
}

Diagnostics Diagnostics::without_code(std::string_view code) && {
  return filtered([&](const Diagnostic& d) { return d.code == code; });
}

void Diagnostics::promote_warnings() {
  for (Diagnostic& d : items_) d.severity = Severity::kError;
  errors_ = items_.size();
}

}  // namespace dbm
