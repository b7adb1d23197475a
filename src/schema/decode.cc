#include "schema/decode.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/check.h"

namespace dbm::schema {

const Key* Record::find(std::string_view key) const {
  for (const Key& k : keys)
    if (k.name == key) return &k;
  return nullptr;
}

std::vector<std::string_view> Record::key_names() const {
  std::vector<std::string_view> names;
  for (const Key& k : keys) names.push_back(k.name);
  return names;
}

std::string Decoder::path() const {
  std::string out;
  for (const Part& part : path_) {
    if (part.key.data() == nullptr) {
      out += fmt::format("[{}]", part.index);
    } else {
      if (!out.empty()) out += '.';
      out += printable(part.key);
    }
  }
  return out;
}

void Decoder::error(std::string_view code, Pos pos, std::string message, std::string hint) {
  diagnostics_.error(code, pos, path(), std::move(message), std::move(hint));
}

void Decoder::warning(std::string_view code, Pos pos, std::string message, std::string hint) {
  diagnostics_.warning(code, pos, path(), std::move(message), std::move(hint));
}

void Decoder::wrong_type(const yaml::Value& value, std::string_view wanted, std::string hint) {
  const std::string_view name =
      path_.empty() ? "the file" : path_.back().key.data() ? path_.back().key : "this item";
  error("wrong-type", value.pos(),
        fmt::format("{} must be {}, not {}", printable(name), wanted, yaml::to_string(value.kind())),
        std::move(hint));
}

void Decoder::decode(const Key&, const yaml::Value& value, std::string_view& out) {
  if (value.is_container()) return wrong_type(value, "a string");
  out = value.text();
}

void Decoder::decode(const Key&, const yaml::Value& value, bool& out) {
  if (const auto b = value.as_bool())
    out = *b;
  else
    wrong_type(value, "true or false");
}

void Decoder::decode(const Key& key, const yaml::Value& value, int64_t& out) {
  const auto i = value.as_int();
  if (!i) return wrong_type(value, "a whole number");
  if (*i < key.options.minimum || *i > key.options.maximum) {
    const bool bounded = key.options.maximum != INT64_MAX;
    return error("out-of-range", value.pos(),
                 bounded ? fmt::format("{} is {}, allowed is {} to {}", key.name, *i,
                                       key.options.minimum, key.options.maximum)
                         : fmt::format("{} is {}, at least {} is needed", key.name, *i,
                                       key.options.minimum));
  }
  out = *i;
}

void Decoder::decode(const Key& key, const yaml::Value& value, yaml::Value& out) {
  out = value;
  if (key.options.cnpg.empty()) return;
  const cnpg::Type* type = cnpg::find(key.options.cnpg);
  cnpg::CheckContext context{options_.version, path(), diagnostics_, options_.lenient,
                             key.options.partial};
  cnpg::check_type(arena_, out, *type, context);
}

int Decoder::decode_enum(const yaml::Value& value, std::span<const std::string_view> names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (value.is_scalar() && value.text() == names[i]) return static_cast<int>(i);
  if (value.is_container()) {
    wrong_type(value, "one of " + join_and(names));
  } else {
    std::string hint = did_you_mean(value.text(), names);
    if (hint.empty()) hint = "it is one of " + join_and(names);
    error("bad-enum", value.pos(),
          fmt::format("\"{}\" is no legal value of {}", printable(value.text()),
                      path_.empty() ? "" : path_.back().key),
          std::move(hint));
  }
  return -1;
}

namespace {

/// A hint when the key is one of a record further down: `poolers` at the top of the file.
std::string belongs_under(const Record& record, std::string_view name) {
  for (const Key& key : record.keys) {
    const Type* type = key.type;
    std::string path(key.name);
    for (; type->element != nullptr; type = type->element)
      path += type->shape == Shape::kMap ? ".<name>" : "[]";
    if (type->shape == Shape::kRecord && type->record().find(name) != nullptr)
      return fmt::format("it belongs under {}", path);
  }
  return {};
}

}  // namespace

void Decoder::unknown_key(const Record& record, const yaml::Member& member) {
  const auto names = record.key_names();
  std::string hint = did_you_mean(member.key, names);
  if (hint.empty()) hint = belongs_under(record, member.key);
  if (hint.empty()) hint = fmt::format("known here: {}", join_and(names));
  std::string message = fmt::format("unknown key \"{}\"", printable(member.key));
  if (options_.lenient)
    warning("unknown-key", member.key_pos, std::move(message), std::move(hint));
  else
    error("unknown-key", member.key_pos, std::move(message), std::move(hint));
}

void Decoder::decode_record(const Record& record, const yaml::Value& value, void* out) {
  if (!value.is_map()) return wrong_type(value, "a map");
  for (const yaml::Member& member : value.members()) {
    Step step(*this, member.key);
    const Key* key = record.find(member.key);
    if (key == nullptr) {
      unknown_key(record, member);
    } else if (!member.value.is_null()) {  // null removes a key (Helm)
      key->decode(*this, *key, member.value, out);
      if (key->options.check != nullptr) key->options.check(*this, member.value);
    }
  }
  for (const Key& key : record.keys) {
    if (!key.options.required) continue;
    const yaml::Value* found = value.find(key.name);
    if (found != nullptr && !found->is_null()) continue;
    error("missing-key", value.pos(), fmt::format("{} is required", key.name),
          std::string(key.doc));
  }
}

}  // namespace dbm::schema
