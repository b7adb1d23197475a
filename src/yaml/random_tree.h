#pragma once

// For tests: random trees of every kind, with texts that readers like to misread.

#include <rapidcheck.h>

#include "yaml/value.h"

namespace dbm::yaml::testing {

inline std::string random_text() {
  const auto awkward = rc::gen::element<std::string>(
      "yes", "No", "on", "null", "~", "", " x", "x ", "#a", "a #b", "a: b", "a:", "- a", "-", "?", "0123",
      "1e3", "1_000", "0x1F", "0o7", "12:30", "2001-01-01", ".inf", "-.5", "+1", "1.", "=", "<<", "!a",
      "&a", "*a", "@", "`", "%", "\t", "a\tb", "\n", "a\n", "a\nb", "a\n\nb\n", " a\nb", "a\n b\n", "a\n\n",
      "\r\n", "a\rb", "\xC3\xA9", "\xC2\x85", "\xE2\x80\xA8", "\xEF\xBB\xBF", "\x7F", "\x01", "\"", "'",
      "\\", "{", "}", "[", "]", ",", "---", "...", "a'b\"c", "\xF0\x9F\x90\x98", "NaN", "y", "N");
  const auto ascii = rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("ab1 :#-\n\t\"'{}[],&*!|>%@\\?.~=")));
  return *rc::gen::oneOf(awkward, ascii);
}

inline Value random_tree(Arena& arena, int depth = 0) {
  switch (*rc::gen::inRange(0, depth > 3 ? 5 : 8)) {
    case 0: return Value::null();
    case 1: return Value::boolean(*rc::gen::arbitrary<bool>());
    case 2: return Value::integer(arena, *rc::gen::arbitrary<int64_t>());
    case 3: return Value::scalar(Kind::kFloat, *rc::gen::element("1.5", "-2.25", "1.0e+30", "0.001"));
    case 4:
    case 5: return Value::string(arena.copy(random_text()));
    case 6: {
      Value list = Value::list(arena);
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) list.push(arena, random_tree(arena, depth + 1));
      return list;
    }
    default: {
      Value map = Value::map(arena);
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
        map.set(arena, arena.copy(random_text()), random_tree(arena, depth + 1));
      return map;
    }
  }
}

}  // namespace dbm::yaml::testing
