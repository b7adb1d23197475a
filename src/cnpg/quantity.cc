#include "cnpg/quantity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>

namespace dbm::cnpg {
namespace {

/// times / per. Small units divide: 1/1000 is exact, 0.001 is not, and 2000m must be 2.
struct Factor {
  long double times = 1, per = 1;
};
struct Suffix {
  std::string_view text;
  Factor factor;
};
constexpr Suffix kSuffixes[] = {
    {"", {}},          {"n", {1, 1e9L}},  {"u", {1, 1e6L}},  {"m", {1, 1e3L}},  {"k", {1e3L}},     {"M", {1e6L}},
    {"G", {1e9L}},     {"T", {1e12L}},    {"P", {1e15L}},    {"E", {1e18L}},    {"Ki", {0x1p10L}}, {"Mi", {0x1p20L}},
    {"Gi", {0x1p30L}}, {"Ti", {0x1p40L}}, {"Pi", {0x1p50L}}, {"Ei", {0x1p60L}}};

std::optional<Factor> factor_of(std::string_view suffix) {
  const auto* found = std::ranges::find(kSuffixes, suffix, &Suffix::text);
  if (found != std::end(kSuffixes)) return found->factor;
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(suffix[1] == '+' ? 2 : 1);
  int exponent = 0;
  const auto [end, error] =
      std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
  if (error != std::errc() || end != suffix.data() + suffix.size() ||
      exponent < -1000 || exponent > 1000)
    return std::nullopt;
  const long double power = std::pow(10.0L, std::abs(exponent));
  return exponent < 0 ? Factor{1, power} : Factor{power, 1};
}

}  // namespace

std::optional<Quantity> parse_quantity(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end);
  if (number.empty() || number == "." || std::ranges::count(number, '.') > 1) return std::nullopt;
  const auto factor = factor_of(text.substr(end));
  if (!factor) return std::nullopt;
  long double value = 0, scale = 0;
  for (const char c : number) {
    if (c == '.') {
      scale = 1;
    } else {
      value = value * 10 + (c - '0');
      scale *= 10;
    }
  }
  value = value * factor->times / (std::max(scale, 1.0L) * factor->per);
  return Quantity{negative ? -value : value};
}

std::optional<Quantity> parse_pg_size(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  std::string size;
  std::ranges::copy_if(text, std::back_inserter(size), [](char c) { return c != ' '; });
  if (!size.empty() && size.find_first_not_of(kDigits) == size.npos) size += "MB";
  if (!size.ends_with('B')) return std::nullopt;
  size.pop_back();
  if (size.find_first_not_of(kDigits) != size.npos) size += 'i';
  if (const size_t k = size.find("ki"); k != size.npos) size[k] = 'K';
  return parse_quantity(size);
}

}  // namespace dbm::cnpg
