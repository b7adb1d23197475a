#include "sql/timestamp.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "cnpg/timestamp.h"

namespace dbm::sql {
namespace {

int number(std::string_view text, size_t from, size_t count) {
  int out = 0;
  std::from_chars(text.data() + from, text.data() + from + count, out);
  return out;
}

}  // namespace

std::string utc_text(std::string_view text) {
  using namespace std::chrono;
  if (!cnpg::is_rfc3339(text)) return std::string(text);
  const auto day = year(number(text, 0, 4)) / number(text, 5, 2) / number(text, 8, 2);
  auto time = sys_days(day) + hours(number(text, 11, 2)) + minutes(number(text, 14, 2)) +
              seconds(number(text, 17, 2));
  std::string fraction;
  size_t at = 19;
  if (text[at] == '.')
    for (++at; text[at] >= '0' && text[at] <= '9'; ++at)
      if (fraction.size() < 6) fraction += text[at];
  while (fraction.ends_with('0')) fraction.pop_back();
  if (text[at] == '+' || text[at] == '-') {
    const auto offset = hours(number(text, at + 1, 2)) + minutes(number(text, at + 4, 2));
    time -= text[at] == '+' ? offset : -offset;
  }
  const auto date = floor<days>(time);
  const year_month_day ymd(date);
  const hh_mm_ss hms(time - date);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{}{}+00", int(ymd.year()),
                     unsigned(ymd.month()), unsigned(ymd.day()), hms.hours().count(),
                     hms.minutes().count(), hms.seconds().count(), fraction.empty() ? "" : ".",
                     fraction);
}

}  // namespace dbm::sql
