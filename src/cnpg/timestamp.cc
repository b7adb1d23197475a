#include "cnpg/timestamp.h"

#include <algorithm>
#include <array>

namespace dbm::cnpg {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int two(std::string_view t, size_t i) { return (t[i] - '0') * 10 + t[i + 1] - '0'; }

bool has_shape(std::string_view t, std::string_view shape) {  // d: a digit, t: T or a space
  return std::ranges::equal(t, shape, [](char c, char s) {
    return s == 'd' ? is_digit(c) : s == 't' ? c == 'T' || c == ' ' : c == s;
  });
}

bool is_date(std::string_view t) {
  const int year = two(t, 0) * 100 + two(t, 2), month = two(t, 5), day = two(t, 8);
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= kDays[static_cast<size_t>(month - 1)] + (leap && month == 2 ? 1 : 0);
}

/// Takes date and time off the front; false when there is none.
bool take_date_and_time(std::string_view& t) {
  constexpr std::string_view kShape = "dddd-dd-ddtdd:dd:dd";
  if (t.size() < kShape.size() || !has_shape(t.substr(0, kShape.size()), kShape)) return false;
  if (!is_date(t) || two(t, 11) > 23 || two(t, 14) > 59 || two(t, 17) > 59) return false;
  t.remove_prefix(kShape.size());
  if (!t.starts_with('.')) return true;
  const size_t end = std::min(t.find_first_not_of("0123456789", 1), t.size());
  t.remove_prefix(end);
  return end > 1;
}

}  // namespace

bool is_rfc3339(std::string_view t) {
  if (t.size() < 11 || t[10] != 'T' || !take_date_and_time(t)) return false;
  if (t == "Z") return true;
  return (t.starts_with('+') || t.starts_with('-')) && has_shape(t.substr(1), "dd:dd");
}

bool is_target_time(std::string_view t) {
  if (!take_date_and_time(t)) return false;
  if (t.empty() || t == "Z") return true;
  if (!t.starts_with('+') && !t.starts_with('-')) return false;
  t.remove_prefix(1);
  return has_shape(t, "dd") || has_shape(t, "dd:dd") || has_shape(t, "dd:dd:dd");
}

}  // namespace dbm::cnpg
