#include "spec/checks.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/cron.h"
#include "cnpg/parameters.h"
#include "cnpg/quantity.h"
#include "cnpg/timestamp.h"
#include "spec/names.h"

namespace dbm::spec {
namespace {

using Units = std::initializer_list<std::string_view>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A number (with an optional fraction and minus) and one of the units or none.
bool is_number_with_unit(std::string_view text, Units units) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end);
  if (number.empty() || std::ranges::count(number, '.') > 1 || number == ".") return false;
  std::string_view unit = text.substr(end);
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  return unit.empty() || std::ranges::find(units, unit) != units.end();
}

bool is_cidr(std::string_view address) {
  const size_t slash = address.find('/');
  if (slash == address.npos) return false;
  const std::string host(address.substr(0, slash));
  std::array<unsigned char, 16> bytes;
  const bool v4 = inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
  if (!v4 && inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return false;
  const std::string_view bits = address.substr(slash + 1);
  int prefix = -1;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  return error == std::errc() && end == bits.data() + bits.size() && prefix >= 0 &&
         prefix <= (v4 ? 32 : 128);
}

void bad_value(Decoder& decoder, const yaml::Value& value, std::string_view what,
               std::string hint) {
  decoder.error("bad-value", value.pos(),
                fmt::format("\"{}\" is no {}", printable(value.text()), what), std::move(hint));
}

}  // namespace

void check_not_empty(Decoder& decoder, const yaml::Value& value) {
  if (value.is_scalar() && value.text().empty())
    decoder.error("empty-value", value.pos(), "this must not be empty");
}

void check_dns_label(Decoder& decoder, const yaml::Value& value) {
  if (value.is_scalar() && !is_dns_label(value.text()))
    decoder.error("bad-name", value.pos(),
                  fmt::format("\"{}\" is no legal name", printable(value.text())),
                  "up to 63 lower-case letters, digits and -, a letter or digit at both ends");
}

void check_annotations(Decoder& decoder, const yaml::Value& value) {
  for (const yaml::Member& member : value.members())
    if (!is_label_key(to_lower(member.key)))
      decoder.error("bad-name", member.key_pos,
                    fmt::format("\"{}\" is no legal key here", printable(member.key)),
                    "up to 63 letters, digits, -, _ and ., after an optional domain and /");
}

void check_labels(Decoder& decoder, const yaml::Value& value) {
  for (const yaml::Member& member : value.members()) {
    if (!is_label_key(member.key))
      decoder.error("bad-name", member.key_pos,
                    fmt::format("\"{}\" is no legal key of a label", printable(member.key)),
                    "up to 63 letters, digits, -, _ and ., after an optional domain and /");
    if (!is_label_value(member.value.text()))
      decoder.error("bad-value", member.value.pos(),
                    fmt::format("\"{}\" is no legal value of a label",
                                printable(member.value.text())),
                    "up to 63 letters, digits, -, _ and ., a letter or digit at both ends");
  }
}

void check_dns_subdomain(Decoder& decoder, const yaml::Value& value) {
  if (value.is_scalar() && !value.text().empty() && !is_dns_subdomain(value.text()))
    decoder.error("bad-name", value.pos(),
                  fmt::format("\"{}\" is no legal name", printable(value.text())),
                  "up to 253 lower-case letters, digits, - and ., a letter or digit at both ends");
}

void check_secret_key(Decoder& decoder, const yaml::Value& value) {
  if (!value.is_scalar()) return;
  const std::string_view text = value.text();
  const bool legal = !text.empty() && text.size() <= 253 &&
                     text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-._") == text.npos;
  if (!legal) bad_value(decoder, value, "legal key of a Secret", "letters, digits, -, _ and .");
}

void check_identifier(Decoder& decoder, const yaml::Value& value) {
  if (!value.is_scalar()) return;
  const std::string_view text = value.text();
  if (text.empty())
    decoder.error("empty-value", value.pos(), "a name is needed here");
  else if (text.size() > 63)
    decoder.error("name-too-long", value.pos(),
                  fmt::format("\"{}\" has {} bytes; PostgreSQL's names have at most 63",
                              printable(text, 24), text.size()),
                  "PostgreSQL would cut it silently; choose a shorter one");
  else if (std::ranges::any_of(text, [](char c) { return c == '\0' || c == '\r' || c == '\n'; }))
    decoder.error("bad-name", value.pos(),
                  fmt::format("\"{}\" has a control character", printable(text)));
}

void check_database_name(Decoder& decoder, const yaml::Value& value) {
  check_identifier(decoder, value);
  const std::string_view name = value.text();
  if (name == "postgres" || name == "template0" || name == "template1")
    decoder.error("reserved-name", value.pos(),
                  fmt::format("CloudNativePG does not manage the database \"{}\"", name),
                  "choose another name");
}

bool is_keyword_role(std::string_view name) { return name == "public" || name == "none"; }

void check_role_name(Decoder& decoder, const yaml::Value& value) {
  check_identifier(decoder, value);
  const std::string_view name = value.text();
  if (is_keyword_role(name))
    decoder.error("reserved-name", value.pos(),
                  fmt::format("the role \"{}\" is reserved", printable(name)),
                  "PostgreSQL refuses it, even in quotes; choose another name");
  if (name == "postgres" || name == "streaming_replica" || name.starts_with("pg_") ||
      name.starts_with("cnpg_"))
    decoder.error("reserved-name", value.pos(),
                  fmt::format("the role \"{}\" is reserved", printable(name)),
                  "postgres, streaming_replica and names with pg_ or cnpg_ belong to PostgreSQL "
                  "and CloudNativePG");
}

void check_quantity(Decoder& decoder, const yaml::Value& value) {
  if (!value.is_scalar()) return;
  const auto quantity = cnpg::parse_quantity(value.text());
  if (!quantity)
    bad_value(decoder, value, "Kubernetes quantity", "for example 50Gi, 500Mi or 1.5Ti");
  else if (!(*cnpg::parse_quantity("0") < *quantity))
    decoder.error("out-of-range", value.pos(), "a size must be above zero");
}

void check_pg_duration(Decoder& decoder, const yaml::Value& value) {
  if (value.is_scalar() && !is_number_with_unit(value.text(), {"us", "ms", "s", "min", "h", "d"}))
    bad_value(decoder, value, "time of PostgreSQL",
              "a number and us, ms, s, min, h or d, for example 30s");
}

void check_pg_memory(Decoder& decoder, const yaml::Value& value) {
  if (value.is_scalar() && !is_number_with_unit(value.text(), {"B", "kB", "MB", "GB", "TB"}))
    bad_value(decoder, value, "memory size of PostgreSQL",
              "a number and B, kB, MB, GB or TB (case matters), for example 16MB");
}

void check_prometheus_duration(Decoder& decoder, const yaml::Value& value) {
  if (!value.is_scalar()) return;
  constexpr std::array<std::string_view, 7> kUnits = {"y", "w", "d", "h", "m", "s", "ms"};
  std::string_view rest = value.text();
  size_t unit = 0;
  bool legal = !rest.empty();
  while (legal && !rest.empty() && rest != "0") {
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const std::string_view tail = rest.substr(digits);
    const size_t length = tail.starts_with("ms") ? 2 : 1;
    const auto found = std::find(kUnits.begin() + static_cast<long>(unit), kUnits.end(),
                                 tail.substr(0, length));
    legal = digits > 0 && !tail.empty() && found != kUnits.end();
    if (!legal) break;
    unit = static_cast<size_t>(found - kUnits.begin()) + 1;
    rest = tail.substr(length);
  }
  if (!legal) bad_value(decoder, value, "duration of Prometheus", "for example 30s, 5m or 1h30m");
}

void check_hba_address(Decoder& decoder, const yaml::Value& value) {
  const std::string_view text = value.text();
  if (text == "all" || text == "samehost" || text == "samenet" || is_cidr(text)) return;
  bad_value(decoder, value, "address for pg_hba",
            "all, samehost, samenet or a range such as 10.0.0.0/8");
}

void check_url(Decoder& decoder, const yaml::Value& value) {
  const std::string_view text = value.text();
  if (text.empty() || text.starts_with("http://") || text.starts_with("https://")) return;
  bad_value(decoder, value, "URL", "it starts with https:// or http://");
}

void check_schedule(Decoder& decoder, const yaml::Value& value) {
  if (!value.is_scalar()) return;
  const cnpg::Schedule schedule = cnpg::parse_schedule(value.text());
  if (!schedule.error.empty())
    return bad_value(decoder, value, "schedule (" + schedule.error + ")",
                     "six fields: second minute hour day month weekday, for example \"0 0 2 * * *\"");
  if (schedule.five_fields)
    decoder.warning("five-field-cron", value.pos(),
                    fmt::format("\"{}\" has five fields, and CloudNativePG reads six: it is taken "
                                "as \"0 {}\"",
                                printable(value.text()), printable(value.text())),
                    "write the seconds too");
}

void check_retention(Decoder& decoder, const yaml::Value& value) {
  const std::string_view text = value.text();
  const bool legal = text.size() >= 2 && text.size() <= 12 && text[0] >= '1' && text[0] <= '9' &&
                     std::ranges::all_of(text.substr(0, text.size() - 1), is_digit) &&
                     (text.back() == 'd' || text.back() == 'w' || text.back() == 'm');
  if (!legal) bad_value(decoder, value, "retention policy", "a number and d, w or m, for example 30d");
}

void check_target_time(Decoder& decoder, const yaml::Value& value) {
  if (!value.is_scalar()) return;
  if (!cnpg::is_rfc3339(value.text()))
    bad_value(decoder, value, "time of RFC 3339",
              "with its zone, for example \"2025-01-03T14:30:00Z\"");
}

void check_extra_objects(Decoder& decoder, const yaml::Value& value) {
  for (const yaml::Value& object : value.items()) {
    if (!object.is_map()) {
      decoder.error("wrong-type", object.pos(), "an extra object must be a map");
      continue;
    }
    for (std::string_view key : {"apiVersion", "kind"}) {
      const yaml::Value* found = object.find(key);
      if (found == nullptr || found->text().empty())
        decoder.error("missing-key", object.pos(), fmt::format("an extra object needs {}", key));
    }
    const yaml::Value* name = object.find_path({"metadata", "name"});
    if (name == nullptr || name->text().empty())
      decoder.error("missing-key", object.pos(), "an extra object needs metadata.name");
  }
}

}  // namespace dbm::spec
