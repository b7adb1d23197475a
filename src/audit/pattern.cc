#include "audit/pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace dbm::audit {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c < 0x7F; });
}
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// A set in brackets: its length, or 0 when it holds what the two libraries may read differently.
size_t plain_set(std::string_view text) {
  size_t at = text.starts_with("[^") ? 2 : 1;
  for (const size_t first = at; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ']') return at > first ? at + 1 : 0;
    if (c == '[' || c == '\\' || c == '&' || c == '~') return 0;
  }
  return 0;
}

/// {m}, {m,} or {m,n}: its length, or 0.
size_t plain_bound(std::string_view text) {
  const size_t end = text.find('}');
  if (end == text.npos || end < 2 || end > 6 || !is_digit(text[1]) || text[1] == '0') return 0;
  const std::string_view inside = text.substr(1, end - 1);
  const bool fine = std::ranges::all_of(inside, [](char c) { return is_digit(c) || c == ','; }) &&
                    std::ranges::count(inside, ',') <= 1;
  return fine ? end + 1 : 0;
}

/// True for the part of the syntax that means the same in both: literals, `.`, sets, groups, `|`,
/// anchors, `* + ?` and bounds after something, `\` before punctuation and \d, \w.
bool is_common(std::string_view are) {
  if (!is_ascii(are) || are.starts_with("***")) return false;
  bool repeatable = false;  // something to repeat stands before
  for (size_t at = 0; at < are.size();) {
    const char c = are[at];
    if (c == '\\') {
      if (at + 1 == are.size()) return false;
      const char escaped = are[at + 1];
      if (is_alnum(escaped) && escaped != 'd' && escaped != 'w') return false;
      at += 2;
      repeatable = true;
    } else if (c == '[' || c == '{') {
      const size_t length = c == '[' ? plain_set(are.substr(at)) : plain_bound(are.substr(at));
      if (length == 0 || (c == '{' && !repeatable)) return false;
      at += length;
      repeatable = c == '[';
    } else if (c == '*' || c == '+' || c == '?') {
      if (!repeatable) return false;
      ++at;
      repeatable = false;  // a second one means other things
    } else if (c == '}' || c == ']') {
      return false;
    } else {
      ++at;
      repeatable = c != '(' && c != '|' && c != '^' && c != '$';
    }
  }
  return true;
}

}  // namespace

Pattern::Pattern(std::string_view are) {
  if (!is_common(are)) return;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  auto compiled = std::make_unique<RE2>(re2::StringPiece(are.data(), are.size()), options);
  if (compiled->ok()) compiled_ = std::move(compiled);
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

Match Pattern::match(std::string_view name) const {
  if (compiled_ == nullptr || !is_ascii(name)) return Match::kMaybe;
  const re2::StringPiece text(name.data(), name.size());
  return RE2::PartialMatch(text, *compiled_) ? Match::kYes : Match::kNo;
}

}  // namespace dbm::audit
