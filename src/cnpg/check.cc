#include "cnpg/check.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/quantity.h"
#include "cnpg/regex.h"

namespace dbm::cnpg {
namespace {

using yaml::Value;

std::string_view wanted(const Type& type) {
  switch (type.kind) {
    case Kind::kObject:
    case Kind::kMap: return "a map";
    case Kind::kList: return "a list";
    case Kind::kString: return "a string";
    case Kind::kInteger: return "a whole number";
    case Kind::kNumber: return "a number";
    case Kind::kBoolean: return "true or false";
    case Kind::kIntOrString: return "a number or a string";
    case Kind::kQuantity: return "a quantity such as 500m or 2Gi";
    case Kind::kAny: return "anything";
  }
  return {};
}

class Checker {
 public:
  Checker(yaml::Arena& arena, CheckContext& context) : arena_(arena), context_(context) {}

  Value check(const Value& value, const Type& type, bool partial) {
    if (value.is_null()) return value;  // as if it were not there; Kubernetes drops it
    switch (type.kind) {
      case Kind::kObject: return object(value, type, partial);
      case Kind::kMap: return map(value, type);
      case Kind::kList: return list(value, type);
      case Kind::kAny: return value;
      default: return scalar(value, type);
    }
  }

 private:
  void error(std::string_view code, const Value& value, std::string message,
             std::string hint = {}) {
    context_.out.error(code, value.pos(), shown_path(), std::move(message), std::move(hint));
  }
  std::string shown_path() const { return printable(context_.path, context_.path.size() * 4); }

  Value wrong_type(const Value& value, const Type& type) {
    error("wrong-type", value,
          fmt::format("{} must be {}, not {}", last_word(), wanted(type),
                      yaml::to_string(value.kind())));
    return value;
  }

  std::string_view last_word() const {
    const std::string_view path = context_.path;
    const size_t dot = path.rfind('.');
    return dot == path.npos ? path : path.substr(dot + 1);
  }

  /// Runs `body` one step further down the path: ".key" or "[0]".
  template <class Body>
  auto inside(std::string_view key, Body body) {
    const size_t length = context_.path.size();
    context_.path += '.';
    context_.path += key;
    auto result = body();
    context_.path.resize(length);
    return result;
  }
  template <class Body>
  auto inside(size_t index, Body body) {
    const size_t length = context_.path.size();
    fmt::format_to(std::back_inserter(context_.path), "[{}]", index);
    auto result = body();
    context_.path.resize(length);
    return result;
  }
  Value new_map(const Value& like) {
    return context_.judge_only ? like : Value::map(arena_, like.pos(), like.members().size());
  }
  void put(Value& map, const yaml::Member& member, const Value& value) {
    if (!context_.judge_only) map.append(arena_, member.key, value, member.key_pos);
  }

  Value object(const Value& value, const Type& type, bool partial) {
    if (!value.is_map()) return wrong_type(value, type);
    Value out = new_map(value);
    for (const yaml::Member& member : value.members()) {
      const Field* field = find_field(type, member.key, context_.version);
      put(out, member, inside(member.key, [&] {
            if (field == nullptr) return unknown(member, type);
            return check(member.value, type_of(*field), partial);
          }));
    }
    if (!partial) require(value, type);
    return out;
  }

  void require(const Value& value, const Type& type) {
    for (const Field& field : fields(type)) {
      if (!field.required || !field.in(context_.version)) continue;
      const Value* found = value.find(field.name);
      if (found == nullptr || found->is_null())
        error("missing-field", value, fmt::format("{} needs the field {}", last_word(), field.name));
    }
  }

  Value unknown(const yaml::Member& member, const Type& type) {
    std::string code = "unknown-field", message, hint;
    if (find_field(type, member.key) != nullptr) {
      const Version first = since(type, member.key), last = until(type, member.key);
      if (first > context_.version) {
        code = "needs-newer-cnpg";
        message = fmt::format("{} needs CNPG {}, this is for {}", printable(member.key),
                              to_string(first), to_string(context_.version));
        hint = fmt::format("upgrade the operator and say --cnpg-version {}", to_string(first));
      } else {
        code = "gone-from-cnpg";
        message = fmt::format("{} is gone since CNPG {}, this is for {}", printable(member.key),
                              to_string(static_cast<Version>(static_cast<int>(last) + 1)),
                              to_string(context_.version));
      }
    } else {
      std::vector<std::string_view> names;
      for (const Field& field : fields(type))
        if (field.in(context_.version)) names.push_back(field.name);
      message = fmt::format("CloudNativePG knows no field \"{}\" here", printable(member.key));
      hint = did_you_mean(member.key, names);
      if (hint.empty() && names.size() <= 20)
        hint = fmt::format("known here: {}", join_and(names));
    }
    if (context_.lenient)
      context_.out.warning(code, member.key_pos, shown_path(), message, hint);
    else
      context_.out.error(code, member.key_pos, shown_path(), message, hint);
    return member.value;
  }

  Value map(const Value& value, const Type& type) {
    if (!value.is_map()) return wrong_type(value, type);
    Value out = new_map(value);
    for (const yaml::Member& member : value.members())
      put(out, member,
          inside(member.key, [&] { return check(member.value, element(type), false); }));
    return out;
  }

  Value list(const Value& value, const Type& type) {
    if (!value.is_list()) return wrong_type(value, type);
    const size_t n = value.items().size();
    if (n < type.min_items || n > type.max_items)
      error("out-of-range", value,
            fmt::format("{} has {} items, allowed are {} to {}", last_word(), n, type.min_items,
                        type.max_items));
    Value out = context_.judge_only ? value : Value::list(arena_, value.pos(), n);
    for (size_t i = 0; i < n; ++i) {
      const Value& item = value.items()[i];
      const Value checked = inside(i, [&] {
        if (item.is_null()) error("wrong-type", item, "an item of this list is empty");
        return check(item, element(type), false);
      });
      if (!context_.judge_only) out.push(arena_, checked);
    }
    duplicates(out, type);
    return out;
  }

  /// Items that x-kubernetes-list-map-keys says are the same.
  void duplicates(const Value& list, const Type& type) {
    const auto keys = list_keys(type);
    if (keys.empty()) return;
    std::unordered_map<std::string, const Value*> seen;
    for (const Value& item : list.items()) {
      std::string id;
      for (std::string_view key : keys)
        if (const Value* part = item.find(key)) id.append(part->text()).push_back('\0');
      const auto [first, fresh] = seen.emplace(id, &item);
      if (fresh || id.empty()) continue;
      Diagnostic& d = context_.out.error(
          "duplicate-item", item.pos(), shown_path(),
          fmt::format("two items of {} have the same {}", last_word(), join_and(keys)));
      d.related = first->second->pos();
      d.related_message = "first here";
    }
  }

  Value scalar(const Value& value, const Type& type) {
    if (value.is_container()) return wrong_type(value, type);
    const std::string_view text = value.text();
    switch (type.kind) {
      case Kind::kBoolean:
        if (const auto b = value.as_bool()) return Value::boolean(*b, value.pos());
        return wrong_type(value, type);
      case Kind::kInteger: {
        const auto i = value.as_int();
        if (!i) return wrong_type(value, type);
        range(value, static_cast<double>(*i), type);
        if (type.format == "int32" && (*i < INT32_MIN || *i > INT32_MAX))
          error("out-of-range", value, fmt::format("{} does not fit in 32 bits", *i));
        return context_.judge_only ? value : Value::integer(arena_, *i, value.pos());
      }
      case Kind::kNumber: {
        const auto d = value.as_double();
        if (!d) return wrong_type(value, type);
        range(value, *d, type);
        return Value::scalar(yaml::Kind::kFloat, text, value.pos());
      }
      case Kind::kQuantity:
        if (!parse_quantity(text))
          error("bad-value", value,
                fmt::format("\"{}\" is no Kubernetes quantity", printable(text)),
                "for example 500m, 2Gi or 1.5");
        return value.kind() == yaml::Kind::kInt ? value : Value::string(text, value.pos());
      case Kind::kIntOrString:
        return value;
      default:
        string_limits(value, type);
        return Value::string(text, value.pos());
    }
  }

  void range(const Value& value, double number, const Type& type) {
    if (type.minimum != kNoMin && number < static_cast<double>(type.minimum))
      error("out-of-range", value,
            fmt::format("{} is {}, at least {} is needed", last_word(), value.text(), type.minimum));
    if (type.maximum != kNoMax && number > static_cast<double>(type.maximum))
      error("out-of-range", value,
            fmt::format("{} is {}, at most {} is allowed", last_word(), value.text(), type.maximum));
  }

  void string_limits(const Value& value, const Type& type) {
    const std::string_view text = value.text();
    const auto choices = enum_values(type);
    if (!choices.empty() && std::ranges::find(choices, text) == choices.end()) {
      std::string hint = did_you_mean(text, choices);
      if (hint.empty()) hint = "it is one of " + join_and(choices);
      error("bad-enum", value,
            fmt::format("\"{}\" is no legal value of {}", printable(text), last_word()), hint);
    }
    if (text.size() < type.min_length || text.size() > type.max_length)
      error("out-of-range", value,
            fmt::format("{} has {} characters, allowed are {} to {}", last_word(), text.size(),
                        type.min_length, type.max_length));
    if (!type.pattern.empty() && !matches(type.pattern, text))
      error("bad-value", value,
            fmt::format("\"{}\" does not have the form of {}", printable(text), last_word()),
            fmt::format("it must match {}", type.pattern));
  }

  yaml::Arena& arena_;
  CheckContext& context_;
};

}  // namespace

void check_type(yaml::Arena& arena, Value& value, const Type& type, CheckContext& context) {
  value = Checker(arena, context).check(value, type, context.partial);
}

}  // namespace dbm::cnpg
