#include "schema/json_schema.h"

#include <initializer_list>
#include <set>
#include <string>

#include <fmt/format.h>

namespace dbm::schema {
namespace {

using cnpg::Kind;
using yaml::Value;

class Writer {
 public:
  Writer(yaml::Arena& arena, cnpg::Version version)
      : arena_(arena), version_(version), defs_(Value::map(arena)) {}

  Value root(const Record& record) {
    Value schema = Value::map(arena_);
    set(schema, "$schema", text("https://json-schema.org/draft/2020-12/schema"));
    set(schema, "title", text("cnpg-dbm values file"));
    for (const yaml::Member& member : object(record).members())
      set(schema, member.key, member.value);
    set(schema, "$defs", defs_);
    return schema;
  }

 private:
  Value text(std::string_view t) { return Value::string(arena_.copy(t)); }
  void set(Value& map, std::string_view key, const Value& value) {
    map.append(arena_, key, value);
  }
  Value types(std::initializer_list<std::string_view> names) {
    Value schema = Value::map(arena_), list = Value::list(arena_);
    for (const std::string_view name : names) list.push(arena_, Value::string(name));
    set(schema, "type", list);
    return schema;
  }
  Value choice(std::span<const std::string_view> names) {
    Value schema = Value::map(arena_), list = Value::list(arena_);
    for (const std::string_view name : names) list.push(arena_, Value::string(name));
    list.push(arena_, Value::null());
    set(schema, "enum", list);
    return schema;
  }
  Value map_of(const Value& element) {
    Value schema = types({"object", "null"});
    set(schema, "additionalProperties", element);
    return schema;
  }
  Value list_of(const Value& element) {
    Value schema = types({"array", "null"});
    set(schema, "items", element);
    return schema;
  }
  Value reference(std::string_view name) {
    Value schema = Value::map(arena_);
    set(schema, "$ref", Value::string(arena_.concat({"#/$defs/", name})));
    return schema;
  }
  /// The definition of that name, made by `make` the first time it is asked for.
  template <class Make>
  Value define(std::string name, Make make) {
    if (defined_.insert(name).second) {
      const Value schema = make();
      set(defs_, arena_.copy(name), schema);
    }
    return reference(name);
  }

  // ---- our own rows -----------------------------------------------------------------------------

  Value object(const Record& record) {
    Value schema = types({"object", "null"});
    set(schema, "description", Value::string(record.doc));
    set(schema, "additionalProperties", Value::boolean(false));
    Value properties = Value::map(arena_), required = Value::list(arena_);
    for (const Key& key : record.keys) {
      set(properties, key.name, described(key));
      if (key.options.required) required.push(arena_, Value::string(key.name));
    }
    set(schema, "properties", properties);
    if (required.size() > 0) set(schema, "required", required);
    return schema;
  }

  Value described(const Key& key) {
    Value schema = of(*key.type, key);
    set(schema, "description", Value::string(key.doc));
    const Value otherwise = key.default_value(arena_);
    if (!otherwise.is_null()) set(schema, "default", otherwise);
    if (!key.options.example.empty()) {
      Value examples = Value::list(arena_);
      examples.push(arena_, Value::string(key.options.example));
      set(schema, "examples", examples);
    }
    return schema;
  }

  Value of(const Type& type, const Key& key) {
    switch (type.shape) {
      case Shape::kText: {
        Value schema = types({"string", "number", "boolean", "null"});
        if (!key.options.pattern.empty()) set(schema, "pattern", Value::string(key.options.pattern));
        return schema;
      }
      case Shape::kBool: return types({"boolean", "null"});
      case Shape::kInteger: return integer(key);
      case Shape::kEnum: return choice(type.names);
      case Shape::kList: return list_of(of(*type.element, key));
      case Shape::kMap: return map_of(of(*type.element, key));
      case Shape::kRecord: {
        const Record& record = type.record();
        return define(std::string(record.name), [&] { return object(record); });
      }
      case Shape::kTree: return tree(key);
    }
    return {};
  }

  Value integer(const Key& key) {
    Value schema = types({"integer", "null"});
    if (key.options.minimum != INT64_MIN)
      set(schema, "minimum", Value::integer(arena_, key.options.minimum));
    if (key.options.maximum != INT64_MAX)
      set(schema, "maximum", Value::integer(arena_, key.options.maximum));
    return schema;
  }

  Value tree(const Key& key) {
    if (key.options.cnpg.empty()) return Value::map(arena_);
    return pass_through(*cnpg::find(key.options.cnpg), std::string(key.options.cnpg),
                        key.options.partial);
  }

  // ---- what CloudNativePG's CRDs say ------------------------------------------------------------

  Value pass_through(const cnpg::Type& type, const std::string& path, bool partial) {
    switch (type.kind) {
      case Kind::kObject:
        return define(path + (partial ? ".partial" : ""),
                      [&] { return pass_object(type, path, partial); });
      case Kind::kMap: return map_of(pass_through(cnpg::element(type), path + ".*", false));
      case Kind::kList: return list_of(pass_through(cnpg::element(type), path + "[]", false));
      case Kind::kString: return pass_string(type);
      case Kind::kInteger: return pass_number(type, "integer");
      case Kind::kNumber: return pass_number(type, "number");
      case Kind::kBoolean: return types({"boolean", "null"});
      case Kind::kIntOrString: return types({"integer", "string", "null"});
      case Kind::kQuantity: return types({"number", "string", "null"});
      case Kind::kAny: return Value::map(arena_);
    }
    return {};
  }

  Value pass_object(const cnpg::Type& type, const std::string& path, bool partial) {
    Value schema = types({"object", "null"});
    set(schema, "additionalProperties", Value::boolean(false));
    Value properties = Value::map(arena_), required = Value::list(arena_);
    for (const cnpg::Field& field : cnpg::fields(type)) {
      if (!field.in(version_)) continue;
      set(properties, field.name,
          pass_through(cnpg::type_of(field), fmt::format("{}.{}", path, field.name), partial));
      if (field.required && !partial) required.push(arena_, Value::string(field.name));
    }
    set(schema, "properties", properties);
    if (required.size() > 0) set(schema, "required", required);
    return schema;
  }

  Value pass_string(const cnpg::Type& type) {
    const auto choices = cnpg::enum_values(type);
    if (!choices.empty()) return choice(choices);
    Value schema = types({"string", "number", "boolean", "null"});
    if (!type.pattern.empty()) set(schema, "pattern", Value::string(type.pattern));
    return schema;
  }

  Value pass_number(const cnpg::Type& type, std::string_view name) {
    Value schema = types({name, "null"});
    if (type.minimum != cnpg::kNoMin) set(schema, "minimum", Value::integer(arena_, type.minimum));
    if (type.maximum != cnpg::kNoMax) set(schema, "maximum", Value::integer(arena_, type.maximum));
    return schema;
  }

  yaml::Arena& arena_;
  cnpg::Version version_;
  Value defs_;
  std::set<std::string> defined_;
};

}  // namespace

yaml::Value json_schema(const Record& root, cnpg::Version version, yaml::Arena& arena) {
  return Writer(arena, version).root(root);
}

}  // namespace dbm::schema
