#include "yaml/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace dbm::yaml {
namespace {

/// Removes `_` as go-yaml does before it reads a number; `buffer` keeps the result alive.
std::string_view without_underscores(std::string_view text, std::string& buffer) {
  if (text.find('_') == text.npos) return text;
  buffer = text;
  std::erase(buffer, '_');
  return buffer;
}

template <class Int>
std::optional<Int> parse_digits(std::string_view digits, int base) {
  Int out{};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

/// Go's strconv.ParseInt with base 0: sign, then 0x, 0o, 0b or a leading 0 for octal.
std::optional<int64_t> parse_int(std::string_view text) {
  std::string buffer;
  text = without_underscores(text, buffer);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  const auto magnitude = parse_digits<uint64_t>(text, base);
  if (!magnitude) return std::nullopt;
  constexpr uint64_t kMax = INT64_MAX;
  if (negative) {
    if (*magnitude > kMax + 1) return std::nullopt;
    return static_cast<int64_t>(~*magnitude + 1);
  }
  if (*magnitude > kMax) return std::nullopt;
  return static_cast<int64_t>(*magnitude);
}

/// [-+]? ( .digits | digits [. [digits]] ) ( [eE] [-+]? digits )?  (go-yaml v2)
bool is_float(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - start;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const size_t whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_true(std::string_view t) {
  return one_of(t, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"});
}
bool is_false(std::string_view t) {
  return one_of(t, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"});
}
bool is_special_float(std::string_view t) {
  return one_of(t, {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
                    "-.inf", "-.Inf", "-.INF"});
}

}  // namespace

struct Value::ListData {
  Value* items;
  uint32_t size, capacity;
};

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return std::string_view("", 0);
  char* out = allocate<char>(text.size());
  std::memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

std::string_view Arena::concat(std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (std::string_view part : parts) size += part.size();
  char* out = allocate<char>(size + 1);
  char* end = out;
  for (std::string_view part : parts) end = std::copy(part.begin(), part.end(), end);
  return {out, size};
}

std::string_view to_string(Kind kind) {
  constexpr std::string_view kNames[] = {"nothing", "a boolean", "a number", "a number",
                                         "a string", "a list", "a map"};
  return kNames[static_cast<size_t>(kind)];
}

std::optional<bool> Value::as_bool() const {
  if (kind_ != Kind::kBool) return std::nullopt;
  return is_true(text());
}

std::optional<int64_t> Value::as_int() const {
  if (kind_ != Kind::kInt && kind_ != Kind::kString) return std::nullopt;
  return parse_int(text());
}

std::optional<double> Value::as_double() const {
  if (const auto i = as_int()) return static_cast<double>(*i);
  if (!is_scalar()) return std::nullopt;
  std::string_view t = text();
  if (is_special_float(t)) {
    if (t.ends_with('n') || t.ends_with('N')) return std::nan("");
    return t[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  }
  std::string buffer;
  t = without_underscores(t, buffer);
  if (!is_float(t)) return std::nullopt;
  if (t[0] == '+') t.remove_prefix(1);
  double out = 0;
  const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), out);
  if (end != t.data() + t.size() && *end != '.') return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::nullopt;
  return out;
}

std::span<const Value> Value::items() const {
  if (!is_list() || list_ == nullptr) return {};
  return {list_->items, list_->size};
}

std::span<const Member> Value::members() const {
  if (!is_map() || map_ == nullptr) return {};
  return {map_->members, map_->size};
}

const Member* Value::find_member(std::string_view key) const {
  for (const Member& member : members())
    if (member.key == key) return &member;
  return nullptr;
}

const Value* Value::find(std::string_view key) const {
  const Member* member = find_member(key);
  return member != nullptr ? &member->value : nullptr;
}

const Value* Value::find_path(std::initializer_list<std::string_view> keys) const {
  const Value* value = this;
  for (std::string_view key : keys)
    if ((value = value->find(key)) == nullptr) return nullptr;
  return value;
}

Value Value::integer(Arena& arena, int64_t i, Pos pos) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, i).ptr;
  return scalar(Kind::kInt, arena.copy({buffer, static_cast<size_t>(end - buffer)}), pos);
}

Value Value::list(Arena& arena, Pos pos, size_t reserve) {
  Value v;
  v.kind_ = Kind::kList;
  v.pos_ = pos;
  v.list_ = arena.allocate<ListData>(1);
  *v.list_ = {reserve != 0 ? arena.allocate<Value>(reserve) : nullptr, 0,
              static_cast<uint32_t>(reserve)};
  return v;
}

Value Value::map(Arena& arena, Pos pos, size_t reserve) {
  Value v;
  v.kind_ = Kind::kMap;
  v.pos_ = pos;
  v.map_ = arena.allocate<MapData>(1);
  *v.map_ = {reserve != 0 ? arena.allocate<Member>(reserve) : nullptr, 0,
             static_cast<uint32_t>(reserve)};
  return v;
}

Value Value::list(Arena& arena, Pos pos, std::span<const Value> items, size_t more) {
  Value v = list(arena, pos, items.size() + more);
  std::ranges::copy(items, v.list_->items);
  v.list_->size = static_cast<uint32_t>(items.size());
  return v;
}

Value Value::map(Arena& arena, Pos pos, std::span<const Member> members, size_t more) {
  Value v = map(arena, pos, members.size() + more);
  std::ranges::copy(members, v.map_->members);
  v.map_->size = static_cast<uint32_t>(members.size());
  return v;
}

void Value::push(Arena& arena, Value value) {
  require(Kind::kList);
  ListData& list = *list_;
  if (list.size == list.capacity) {
    list.capacity = std::max<uint32_t>(4, list.capacity * 2);
    Value* grown = arena.allocate<Value>(list.capacity);
    std::copy_n(list.items, list.size, grown);
    list.items = grown;
  }
  list.items[list.size++] = value;
}

Value& Value::set(Arena& arena, Key key, Value value, Pos key_pos) {
  require(Kind::kMap);
  for (Member& member : std::span(map_->members, map_->size)) {
    if (member.key != key.text) continue;
    value.plain_key_ = member.value.plain_key_;
    member.value = value;
    member.key_pos = key_pos;
    return member.value;
  }
  return append(arena, key, value, key_pos);
}

void Value::wrong_kind(Kind is, Kind required) {
  const std::string_view has = to_string(is), wants = to_string(required);
  std::fprintf(stderr, "bug in cnpg-dbm: a value that is %.*s was changed as if it were %.*s\n",
               static_cast<int>(has.size()), has.data(), static_cast<int>(wants.size()), wants.data());
  std::abort();
}

void Value::grow(Arena& arena, MapData& map) {
  map.capacity = std::max<uint32_t>(4, map.capacity * 2);
  Member* grown = arena.allocate<Member>(map.capacity);
  std::copy_n(map.members, map.size, grown);
  map.members = grown;
}

bool Value::erase(std::string_view key) {
  require(Kind::kMap);
  MapData& map = *map_;
  Member* const end = map.members + map.size;
  Member* const found =
      std::find_if(map.members, end, [&](const Member& member) { return member.key == key; });
  if (found == end) return false;
  std::copy(found + 1, end, found);
  --map.size;
  return true;
}

Kind resolve_plain(std::string_view text) {
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) return Kind::kNull;
  const char first = text[0];
  if ((first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.') {
    if (parse_int(text)) return Kind::kInt;
    std::string buffer;
    if (is_special_float(text) || is_float(without_underscores(text, buffer))) return Kind::kFloat;
    return Kind::kString;
  }
  if (text.size() <= 5 && (is_true(text) || is_false(text))) return Kind::kBool;
  return Kind::kString;
}

Value clone(Arena& arena, const Value& value) {
  Value out = value;
  if (value.is_list()) {
    out = Value::list(arena, value.pos(), value.items().size());
    for (const Value& item : value.items()) out.push(arena, clone(arena, item));
  } else if (value.is_map()) {
    out = Value::map(arena, value.pos(), value.members().size());
    for (const Member& m : value.members())
      out.append(arena, m.key, clone(arena, m.value), m.key_pos);
  }
  return out;
}

Value copy(Arena& arena, const Value& value) {
  if (value.is_scalar() && !value.is_null())
    return Value::scalar(value.kind(), arena.copy(value.text()), value.pos());
  Value out = value;
  if (value.is_list()) {
    out = Value::list(arena, value.pos(), value.items().size());
    for (const Value& item : value.items()) out.push(arena, copy(arena, item));
  } else if (value.is_map()) {
    out = Value::map(arena, value.pos(), value.members().size());
    for (const Member& m : value.members())
      out.append(arena, arena.copy(m.key), copy(arena, m.value), m.key_pos);
  }
  return out;
}

Value merge(Arena& arena, const Value& base, const Value& over) {
  if (!base.is_map() || !over.is_map()) return over;
  Value out = Value::map(arena, over.pos() ? over.pos() : base.pos(),
                         base.members().size() + over.members().size());
  for (const Member& m : base.members()) {
    const Member* winner = over.find_member(m.key);
    if (winner == nullptr)
      out.append(arena, m.key, m.value, m.key_pos);
    else if (!winner->value.is_null())
      out.append(arena, m.key, merge(arena, m.value, winner->value), winner->key_pos);
  }
  for (const Member& m : over.members())
    if (!m.value.is_null() && base.find_member(m.key) == nullptr)
      out.append(arena, m.key, m.value, m.key_pos);
  return out;
}

bool equal(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_list()) return std::ranges::equal(a.items(), b.items(), equal);
  if (!a.is_map()) return a.is_null() || a.text() == b.text();
  return a.members().size() == b.members().size() &&
         std::ranges::all_of(a.members(), [&](const Member& m) {
           const Value* other = b.find(m.key);
           return other != nullptr && equal(m.value, *other);
         });
}

}  // namespace dbm::yaml
