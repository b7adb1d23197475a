#include "schema/explain.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "yaml/writer.h"

namespace dbm::schema {
namespace {

std::string cnpg_type_name(const cnpg::Type& type) {
  using cnpg::Kind;
  switch (type.kind) {
    case Kind::kObject: return "map";
    case Kind::kMap: return fmt::format("map of {}", cnpg_type_name(cnpg::element(type)));
    case Kind::kList: return fmt::format("list of {}", cnpg_type_name(cnpg::element(type)));
    case Kind::kString: return cnpg::enum_values(type).empty() ? "string" : "enum";
    case Kind::kInteger: return "integer";
    case Kind::kNumber: return "number";
    case Kind::kBoolean: return "boolean";
    case Kind::kIntOrString: return "integer or string";
    case Kind::kQuantity: return "quantity";
    case Kind::kAny: return "anything";
  }
  return {};
}

std::string shown(const yaml::Value& value) {
  std::string text;
  yaml::write_json(text, value);
  return text;
}

std::string choices(std::span<const std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) out += fmt::format("{}{}", out.empty() ? "" : ", ", name);
  return out;
}

/// "clusters.main.databases[0].name" as its keys, without the indices.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    if (const std::string_view key = part.substr(0, part.find('[')); !key.empty())
      parts.push_back(key);
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  }
  return parts;
}

class Explainer {
 public:
  Explainer(const Record& root, std::string_view path, cnpg::Version version)
      : record_(&root), path_(path), version_(version) {}

  Result<std::string> run() {
    std::string_view last;
    for (const std::string_view part : split(path_)) {
      walked_ += fmt::format("{}{}", walked_.empty() ? "" : ".", part);
      const bool known = field_ != nullptr ? step_cnpg(part) : step(part);
      if (!known) return refuse(part);
      last = part;
    }
    // A last word that nearly is a key was meant as one, not as a free name.
    if (key_ != nullptr && field_ == nullptr && record_ != nullptr && last != key_->name &&
        !nearest(last, record_->key_names()).empty())
      return refuse(last);
    return field_ != nullptr ? cnpg_text() : text();
  }

 private:
  /// Down one key of our own rows. An unknown word under a map is one of its free names.
  bool step(std::string_view part) {
    if (record_ != nullptr && record_->find(part) != nullptr) {
      key_ = record_->find(part);
      enter(*key_->type);
      return true;
    }
    const bool free_name = below_map_;
    below_map_ = false;
    return free_name;
  }

  void enter(const Type& type) {
    below_map_ = type.shape == Shape::kMap;
    const Type* inner = &type;
    while (inner->element != nullptr) inner = inner->element;
    record_ = inner->shape == Shape::kRecord ? &inner->record() : nullptr;
    if (inner->shape == Shape::kTree && !key_->options.cnpg.empty())
      field_ = cnpg::find(key_->options.cnpg);
  }

  bool step_cnpg(std::string_view part) {
    const cnpg::Type* type = field_;
    while (type->kind == cnpg::Kind::kList) type = &cnpg::element(*type);
    if (type->kind == cnpg::Kind::kMap) {
      field_ = &cnpg::element(*type);
      below_map_ = false;
      return true;
    }
    const cnpg::Field* found = cnpg::find_field(*type, part, version_);
    if (found == nullptr) {
      const bool free_name = below_map_;
      below_map_ = false;
      return free_name;
    }
    below_map_ = false;
    inside_cnpg_ = true;
    field_ = &cnpg::type_of(*found);
    return true;
  }

  Result<std::string> refuse(std::string_view part) const {
    std::vector<std::string_view> names;
    if (field_ != nullptr) {
      const cnpg::Type* type = field_;
      while (type->kind == cnpg::Kind::kList) type = &cnpg::element(*type);
      for (const cnpg::Field& field : cnpg::fields(*type))
        if (field.in(version_)) names.push_back(field.name);
    } else if (record_ != nullptr) {
      names = record_->key_names();
    }
    std::string hint = did_you_mean(part, names);
    if (hint.empty() && !names.empty()) hint = fmt::format("known here: {}", join_and(names));
    return Error{fmt::format("there is no key \"{}\"", printable(walked_)), std::move(hint)};
  }

  std::string text() const {
    std::string out;
    if (key_ != nullptr) {
      yaml::Arena arena;
      out += fmt::format("KEY:      {}\nTYPE:     {}\n", walked_, type_name(*key_->type));
      const yaml::Value otherwise = key_->default_value(arena);
      if (key_->options.required) out += "REQUIRED: yes\n";
      else if (!otherwise.is_null()) out += fmt::format("DEFAULT:  {}\n", shown(otherwise));
      if (key_->type->shape == Shape::kEnum)
        out += fmt::format("VALUES:   {}\n", choices(key_->type->names));
      if (!key_->options.example.empty()) out += fmt::format("EXAMPLE:  {}\n", key_->options.example);
      out += fmt::format("\n  {}\n", key_->doc);
    }
    if (record_ == nullptr) return out;
    if (key_ == nullptr) out += fmt::format("  {}\n", record_->doc);
    out += "\nKEYS:\n";
    for (const Key& key : record_->keys) out += key_line(key);
    return out;
  }

  static std::string key_line(const Key& key) {
    yaml::Arena arena;
    const yaml::Value otherwise = key.default_value(arena);
    std::string type = type_name(*key.type);
    if (key.options.required) type += ", required";
    else if (!otherwise.is_null()) type += fmt::format(", default {}", shown(otherwise));
    return fmt::format("  {}\t<{}>\n    {}\n", key.name, type, key.doc);
  }

  std::string cnpg_text() const {
    std::string out;
    if (!inside_cnpg_) {
      out = text();
    } else {
      out = fmt::format("KEY:      {}\nTYPE:     {} (CloudNativePG {})\n", walked_,
                        cnpg_type_name(*field_), cnpg::to_string(version_));
      if (!cnpg::enum_values(*field_).empty())
        out += fmt::format("VALUES:   {}\n", choices(cnpg::enum_values(*field_)));
      if (!field_->pattern.empty()) out += fmt::format("PATTERN:  {}\n", field_->pattern);
      if (field_->minimum != cnpg::kNoMin) out += fmt::format("MINIMUM:  {}\n", field_->minimum);
      if (field_->maximum != cnpg::kNoMax) out += fmt::format("MAXIMUM:  {}\n", field_->maximum);
    }
    const cnpg::Type* type = field_;
    while (type->kind == cnpg::Kind::kList || type->kind == cnpg::Kind::kMap)
      type = &cnpg::element(*type);
    if (type->kind != cnpg::Kind::kObject) return out;
    out += "\nFIELDS:\n";
    for (const cnpg::Field& field : cnpg::fields(*type)) {
      if (!field.in(version_)) continue;
      const cnpg::Version first = cnpg::since(*type, field.name);
      out += fmt::format("  {}\t<{}{}>{}\n", field.name, cnpg_type_name(cnpg::type_of(field)),
                         field.required ? ", required" : "",
                         first > cnpg::Version::k1_25
                             ? fmt::format("  since CNPG {}", cnpg::to_string(first))
                             : "");
    }
    return out;
  }

  const Record* record_;
  const Key* key_ = nullptr;
  const cnpg::Type* field_ = nullptr;  // once the path has left our own rows
  bool inside_cnpg_ = false;
  bool below_map_ = false;
  std::string_view path_;
  cnpg::Version version_;
  std::string walked_;
};

/// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void markdown_record(std::string& out, const Record& record, std::set<std::string_view>& done) {
  if (!done.insert(record.name).second) return;
  out += fmt::format("\n## {}\n\n{}\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
                     record.name, record.doc);
  yaml::Arena arena;
  for (const Key& key : record.keys) {
    const yaml::Value value = key.default_value(arena);
    const std::string otherwise = key.options.required ? "required"
                                  : value.is_null()    ? "-"
                                                       : fmt::format("`{}`", value.text());
    std::string meaning(key.doc);
    if (key.type->shape == Shape::kEnum) meaning += fmt::format(" One of {}.", choices(key.type->names));
    if (!key.options.cnpg.empty()) meaning += fmt::format(" Type: `{}` of the CRD.", key.options.cnpg);
    if (!key.options.example.empty()) meaning += fmt::format(" Example: `{}`.", key.options.example);
    out += fmt::format("| `{}` | {} | {} | {} |\n", key.name, type_name(*key.type),
                       cell(otherwise), cell(meaning));
  }
  for (const Key& key : record.keys) {
    const Type* type = key.type;
    while (type->element != nullptr) type = type->element;
    if (type->shape == Shape::kRecord) markdown_record(out, type->record(), done);
  }
}

}  // namespace

std::string type_name(const Type& type) {
  switch (type.shape) {
    case Shape::kText: return "string";
    case Shape::kBool: return "boolean";
    case Shape::kInteger: return "integer";
    case Shape::kEnum: return "enum";
    case Shape::kList: return fmt::format("list of {}", type_name(*type.element));
    case Shape::kMap: return fmt::format("map of {}", type_name(*type.element));
    case Shape::kRecord: return std::string(type.record().name);
    case Shape::kTree: return "tree";
  }
  return {};
}

Result<std::string> explain(const Record& root, std::string_view path, cnpg::Version version) {
  return Explainer(root, path, version).run();
}

std::string markdown(const Record& root) {
  std::string out;
  std::set<std::string_view> done;
  markdown_record(out, root, done);
  return out;
}

}  // namespace dbm::schema
