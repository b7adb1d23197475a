#pragma once

// Small pure functions over text that several modules need.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dbm {

/// Number of single-character insertions, deletions, replacements and swaps of neighbours between
/// a and b (optimal string alignment), ignoring ASCII case.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or empty when none is near enough to be a likely misspelling.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `did you mean "x"?` or empty.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// Text made safe for a terminal and a message: control characters and invalid UTF-8 as \xNN,
/// cut to `limit` bytes with an ellipsis.
std::string printable(std::string_view text, size_t limit = 80);

std::string to_lower(std::string_view text);

/// Whole days, hours, minutes and seconds: "90s", "10m", "1h30m", "90d".
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

/// "a, b and c".
std::string join_and(std::span<const std::string_view> words);

}  // namespace dbm
