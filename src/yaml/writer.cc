#include "yaml/writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <tuple>

#include <fmt/format.h>

#include "yaml/output.h"

namespace dbm::yaml {
namespace {

enum : uint8_t { kNotFirst = 1, kNotInner = 2, kNumberish = 4, kWordy = 8 };

/// What keeps a byte from standing in a plain scalar, first or further on; and whether a text that
/// starts like a number is told from one by it.
constexpr std::array<uint8_t, 256> kClass = [] {
  std::array<uint8_t, 256> table{};
  table.fill(kNotFirst | kNotInner);
  const auto may = [&](std::string_view bytes, uint8_t bits) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] &= static_cast<uint8_t>(~bits);
  };
  const auto is = [&](std::string_view bytes, uint8_t bits) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] |= bits;
  };
  may("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_($^", kNotFirst | kNotInner);
  may("-+.@%,*?!&;)=<>~|\\\"'{}[]", kNotInner);
  is("0123456789-+.", kNumberish);
  is("ghijklmnpqrsuvwyGHIJKLMNPQRSUVWY/(", kWordy);  // in no number, date or time
  return table;
}();

uint8_t class_of(char c) { return kClass[static_cast<unsigned char>(c)]; }

/// Words that some reader takes for null, a boolean or a merge key.
bool is_word(std::string_view t) {
  constexpr std::string_view kWords[] = {"y", "n", "yes", "no", "on", "off",
                                         "true", "false", "null"};
  if (t.size() > 5) return false;
  const auto same = [](char c, char word) { return (c | 0x20) == word; };
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return std::ranges::equal(t, word, same);
  });
}

bool is_plain(std::string_view t) {
  if (t.empty() || (class_of(t[0]) & kNotFirst) != 0) return false;
  uint8_t any = 0;
  for (size_t i = 0; i < t.size(); ++i) {
    const char c = t[i];
    any |= class_of(c);
    if ((class_of(c) & kNotInner) == 0) continue;
    const bool last = i + 1 == t.size();
    if (c == ' ' && !last && t[i + 1] != '#') continue;
    if (c == ':' && !last && t[i + 1] != ' ') continue;
    if (c == '#' && t[i - 1] != ' ') continue;
    return false;
  }
  if ((class_of(t[0]) & kNumberish) != 0) return (any & kWordy) != 0;
  return !is_word(t);
}

/// The code point at t[i], and its length in bytes.
std::pair<uint32_t, size_t> code_point(std::string_view t, size_t i) {
  const auto byte = [&](size_t k) {
    return k < t.size() ? static_cast<uint32_t>(static_cast<unsigned char>(t[k])) : 0U;
  };
  const uint32_t c = byte(i);
  if (c < 0x80) return {c, 1};
  if (c < 0xE0) return {(c & 0x1F) << 6 | (byte(i + 1) & 0x3F), 2};
  if (c < 0xF0) return {(c & 0x0F) << 12 | (byte(i + 1) & 0x3F) << 6 | (byte(i + 2) & 0x3F), 3};
  return {(c & 0x07) << 18 | (byte(i + 1) & 0x3F) << 12 | (byte(i + 2) & 0x3F) << 6 |
              (byte(i + 3) & 0x3F), 4};
}

/// Printable for every reader, and no line break for any.
bool is_printable(uint32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7F;
  return c >= 0xA0 && c != 0x2028 && c != 0x2029 && c != 0xFEFF && c != 0xFFFE && c != 0xFFFF &&
         !(c >= 0xD800 && c < 0xE000);
}

void write_double_quoted(Output& out, std::string_view t) {
  out += '"';
  for (size_t i = 0; i < t.size();) {
    const auto [c, length] = code_point(t, i);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (is_printable(c)) {
      out += t.substr(i, length);
    } else if (c < 0x100) {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", c);
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", c);
    }
    i += length;
  }
  out += '"';
}

/// A literal block that every reader gives back as it is.
bool fits_block(std::string_view t) {
  if (t.find('\n') == t.npos || t[0] == '\n' || t[0] == ' ' || t[0] == '\t') return false;
  if (t.ends_with("\n\n") || t.back() == ' ' || t.back() == '\t') return false;
  for (size_t i = 0; i < t.size();) {
    const auto [c, length] = code_point(t, i);
    if (c == '\n') {
      const size_t next = t.find_first_not_of(" \t", i + 1);  // no line of white space only
      const bool last = i + 1 == t.size();
      if (!last && next != i + 1 && (next == t.npos || t[next] == '\n')) return false;
    } else if (!is_printable(c)) {
      return false;
    }
    i += length;
  }
  return true;
}

void write_block(Output& out, std::string_view t, size_t indent) {
  out += t.ends_with('\n') ? std::string_view("|") : "|-";
  if (t.ends_with('\n')) t.remove_suffix(1);
  while (true) {
    out += '\n';
    const size_t end = t.find('\n');
    const std::string_view line = t.substr(0, end);
    if (!line.empty()) {
      out.spaces(indent);
      out += line;
    }
    if (end == t.npos) return;
    t.remove_prefix(end + 1);
  }
}

void write_string(Output& out, std::string_view t, size_t indent, bool key) {
  if (is_plain(t)) {
    out += t;
  } else if (!key && fits_block(t)) {
    write_block(out, t, std::max<size_t>(indent, 2));
  } else {
    write_double_quoted(out, t);
  }
}

bool is_canonical_int(std::string_view t) {
  if (t.starts_with('-')) t.remove_prefix(1);
  return !t.empty() && t.size() < 19 && t.find_first_not_of("0123456789") == t.npos &&
         (t[0] != '0' || t.size() == 1);
}

void write_quoted_json(Output& out, std::string_view t) {
  out += '"';
  size_t done = 0;
  for (size_t i = 0, length = 1; i < t.size(); i += length) {
    uint32_t c = 0;
    std::tie(c, length) = code_point(t, i);
    if (is_printable(c) && c != '"' && c != '\\') continue;
    out += t.substr(done, i - done);
    done = i + length;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
  out += t.substr(done);
  out += '"';
}

/// 1.5, 1000, 1.0e+30: numbers for YAML 1.1, 1.2 and JSON.
void write_float(Output& out, const Value& value, bool json) {
  const double d = value.as_double().value_or(0);
  if (std::isnan(d) || std::isinf(d)) {
    const std::string_view text = std::isnan(d) ? ".nan" : d < 0 ? "-.inf" : ".inf";
    return json ? write_quoted_json(out, text) : void(out += text);
  }
  std::string text = fmt::format("{}", d);
  const size_t e = text.find('e');
  if (e != text.npos && text.find('.') == text.npos) text.insert(e, ".0");
  out += text;
}

void write_scalar(Output& out, const Value& v, bool json) {
  switch (v.kind()) {
    case Kind::kNull: out += "null"; break;
    case Kind::kBool: out += v.as_bool().value_or(false) ? std::string_view("true") : "false"; break;
    case Kind::kInt:
      if (is_canonical_int(v.text()))
        out += v.text();
      else
        fmt::format_to(std::back_inserter(out), "{}", v.as_int().value_or(0));
      break;
    default: write_float(out, v, json); break;
  }
}

void write_node(Output& out, const Value& v, size_t indent, bool in_list);

void write_map(Output& out, const Value& v, size_t indent, bool in_list) {
  bool first = in_list;  // the first key follows "- " on its line
  for (const Member& m : v.members()) {
    if (!first) out.spaces(indent);
    first = false;
    if (m.has_plain_key())
      out += m.key;
    else
      write_string(out, m.key, 0, /*key=*/true);
    out += ':';
    write_node(out, m.value, indent, /*in_list=*/false);
  }
}

void write_list(Output& out, const Value& v, size_t indent, bool in_list) {
  bool first = in_list;
  for (const Value& item : v.items()) {
    if (!first) out.spaces(indent);
    first = false;
    out += '-';
    write_node(out, item, indent, /*in_list=*/true);
  }
}

/// A scalar or an empty container and the line's end; lines of a block stand at `indent`.
void write_inline(Output& out, const Value& v, size_t indent) {
  if (v.is_map())
    out += "{}";
  else if (v.is_list())
    out += "[]";
  else if (v.is_plain())
    out += v.text();
  else if (v.is_string())
    write_string(out, v.text(), indent, false);
  else
    write_scalar(out, v, false);
  out += '\n';
}

/// What follows "key:" or "-" that stands at `indent`.
void write_node(Output& out, const Value& v, size_t indent, bool in_list) {
  if (v.is_map() && !v.members().empty()) {
    out += in_list ? ' ' : '\n';
    write_map(out, v, indent + 2, in_list);
  } else if (v.is_list() && !v.items().empty()) {
    out += in_list ? ' ' : '\n';
    write_list(out, v, in_list ? indent + 2 : indent, in_list);
  } else {
    out += ' ';
    write_inline(out, v, indent + 2);
  }
}

void json_break(Output& out, int indent, int depth) {
  if (indent == 0) return;
  out += '\n';
  out.spaces(static_cast<size_t>(indent * depth));
}

void write_json_node(Output& out, const Value& v, int indent, int depth) {
  if (v.is_string()) return write_quoted_json(out, v.text());
  if (v.is_scalar()) return write_scalar(out, v, true);
  const bool map = v.is_map();
  if (v.size() == 0) {
    out += map ? "{}" : "[]";
    return;
  }
  out += map ? '{' : '[';
  bool first = true;
  const auto next = [&] {
    if (!first) out += ',';
    first = false;
    json_break(out, indent, depth + 1);
  };
  for (const Member& m : v.members()) {
    next();
    write_quoted_json(out, m.key);
    out += indent == 0 ? std::string_view(":") : ": ";
    write_json_node(out, m.value, indent, depth + 1);
  }
  for (const Value& item : v.items()) {
    next();
    write_json_node(out, item, indent, depth + 1);
  }
  json_break(out, indent, depth);
  out += map ? '}' : ']';
}

}  // namespace

void write_yaml(std::string& text, const Value& v) {
  Output out(text);
  if (v.is_map() && !v.members().empty())
    write_map(out, v, 0, false);
  else if (v.is_list() && !v.items().empty())
    write_list(out, v, 0, false);
  else
    write_inline(out, v, 0);
}

Value prepared_string(std::string_view text) {
  return is_plain(text) ? Value::plain(text) : Value::string(text);
}

void write_json(std::string& text, const Value& v, int indent) {
  Output out(text);
  write_json_node(out, v, indent, 0);
}

void write_json_string(std::string& out, std::string_view text) {
  Output output(out);
  write_quoted_json(output, text);
}

}  // namespace dbm::yaml
