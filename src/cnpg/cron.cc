#include "cnpg/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace dbm::cnpg {
namespace {

struct Bounds {
  std::string_view name;
  unsigned low, high;
  std::span<const std::string_view> words;  // from `low` on
};

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
const std::array<Bounds, 6> kBounds = {{{"second", 0, 59, {}},
                                        {"minute", 0, 59, {}},
                                        {"hour", 0, 23, {}},
                                        {"day", 1, 31, {}},
                                        {"month", 1, 12, kMonths},
                                        {"weekday", 0, 6, kDays}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find_first_of(separators, start), text.size());
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<unsigned> value_of(std::string_view text, const Bounds& bounds) {
  const std::string word = to_lower(text);
  const auto found = std::ranges::find(bounds.words, word);
  if (found != bounds.words.end())
    return bounds.low + static_cast<unsigned>(found - bounds.words.begin());
  return number(text);
}

/// *, a, a-b, each with /step.
std::string check_range(std::string_view range, const Bounds& bounds) {
  const auto parts = split(range, "/");
  const auto ends = split(parts[0], "-");
  if (parts.size() > 2 || ends.size() > 2) return fmt::format("\"{}\" is no range", range);
  unsigned low = bounds.low, high = bounds.high;
  if (ends[0] == "*" || ends[0] == "?") {
    if (ends.size() > 1) return fmt::format("\"{}\" is no range", range);
  } else {
    const auto first = value_of(ends[0], bounds);
    const auto last = ends.size() > 1 ? value_of(ends[1], bounds) : first;
    if (!first || !last) return fmt::format("\"{}\" is no {}", range, bounds.name);
    low = *first;
    high = ends.size() == 1 && parts.size() == 2 ? bounds.high : *last;
  }
  if (parts.size() == 2) {
    const auto step = number(parts[1]);
    if (!step) return fmt::format("\"{}\" is no step", parts[1]);
    if (*step == 0) return "a step must be above zero";
  }
  if (low < bounds.low || high > bounds.high)
    return fmt::format("{} goes from {} to {}", bounds.name, bounds.low, bounds.high);
  if (low > high) return fmt::format("\"{}\" ends before it begins", range);
  return {};
}

/// Go's time.ParseDuration: a sequence of numbers with units, at least one.
bool is_go_duration(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text == "0") return true;
  if (text.empty()) return false;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view n = text.substr(0, digits);
    if (n.empty() || n == "." || std::ranges::count(n, '.') > 1) return false;
    text.remove_prefix(digits);
    std::string_view unit;
    for (std::string_view u : {"ns", "us", "\xC2\xB5s", "ms", "s", "m", "h"})
      if (text.starts_with(u) && u.size() > unit.size()) unit = u;
    if (unit.empty()) return false;
    text.remove_prefix(unit.size());
  }
  return true;
}

Schedule descriptor(std::string_view text) {
  constexpr std::string_view kKnown[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                         "@daily", "@midnight", "@hourly"};
  if (std::ranges::find(kKnown, text) != std::end(kKnown)) return {};
  constexpr std::string_view kEvery = "@every ";
  if (text.starts_with(kEvery) && is_go_duration(text.substr(kEvery.size()))) return {};
  std::string hint = did_you_mean(text, kKnown);
  return {hint.empty() ? "no such descriptor" : hint};
}

}  // namespace

Schedule parse_schedule(std::string_view text) {
  if (text.starts_with('@')) return descriptor(text);
  if (text.starts_with("TZ=") || text.starts_with("CRON_TZ="))
    return {"CloudNativePG takes no time zone here: schedules are in UTC"};
  std::vector<std::string_view> fields = split(text, " \t");
  std::erase(fields, std::string_view());
  if (fields.size() != 5 && fields.size() != 6)
    return {fmt::format("it has {} fields", fields.size())};
  const size_t shift = fields.size() == 5 ? 1 : 0;  // five fields are meant minutes-first
  for (size_t i = 0; i < fields.size(); ++i)
    for (std::string_view range : split(fields[i], ","))
      if (std::string error = check_range(range, kBounds[i + shift]); !error.empty()) return {error};
  return {{}, fields.size() == 5};
}

}  // namespace dbm::cnpg
