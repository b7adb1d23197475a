#include "cnpg/crd_table.h"

#include <algorithm>
#include <bit>

#include "cnpg/crd_table_internal.h"

namespace dbm::cnpg {
namespace {

constexpr std::string_view kVersions[] = {"1.25", "1.26", "1.27", "1.28", "1.29", "1.30"};

/// Bits of all versions in which the type has a field of that name.
unsigned versions_of(const Type& type, std::string_view name) {
  unsigned bits = 0;
  for (const Field& field : fields(type))
    if (field.name == name) bits |= field.versions;
  return bits;
}

/// Follows one step of a path ("roles[]"); `field` is where it ended.
const Type* step(const Type* type, std::string_view word, const Field*& field) {
  const bool item = word.ends_with("[]");
  if (item) word.remove_suffix(2);
  if (type->kind == Kind::kMap) {
    type = &element(*type);
  } else {
    field = find_field(*type, word);
    if (field == nullptr) return nullptr;
    type = &type_of(*field);
  }
  return item ? &element(*type) : type;
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  for (size_t i = 0; i < std::size(kVersions); ++i) {
    if (!text.starts_with(kVersions[i])) continue;
    const std::string_view rest = text.substr(kVersions[i].size());
    const bool patch = rest.size() > 1 && rest[0] == '.' &&
                       rest.find_first_not_of("0123456789", 1) == rest.npos;
    if (rest.empty() || patch) return static_cast<Version>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Version version) { return kVersions[static_cast<size_t>(version)]; }

const Type& type_of(const Field& field) { return internal::types()[field.type_index]; }

std::span<const Field> fields(const Type& type) {
  return internal::fields().subspan(type.first_field, type.field_count);
}

const Type& element(const Type& type) { return internal::types()[type.element_index]; }

std::span<const std::string_view> enum_values(const Type& type) {
  return internal::texts().subspan(type.first_enum, type.enum_count);
}

std::span<const std::string_view> list_keys(const Type& type) {
  return internal::texts().subspan(type.first_key, type.key_count);
}

std::span<const std::string_view> cel_rules(const Type& type) {
  return internal::texts().subspan(type.first_rule, type.rule_count);
}

const Field* find_field(const Type& type, std::string_view name, Version version) {
  for (const Field& field : fields(type))
    if (field.name == name && field.in(version)) return &field;
  return nullptr;
}

const Field* find_field(const Type& type, std::string_view name) {
  const Field* newest = nullptr;
  for (const Field& field : fields(type))
    if (field.name == name && (newest == nullptr || field.versions > newest->versions))
      newest = &field;
  return newest;
}

const Type* find(std::string_view path) {
  const Type* type = nullptr;
  const Field* field = nullptr;
  for (bool first = true; !path.empty(); first = false) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string_view word = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (first) {
      const auto root = std::ranges::find(internal::roots(), word, &Field::name);
      if (root == internal::roots().end()) return nullptr;
      type = &type_of(*root);
    } else if ((type = step(type, word, field)) == nullptr) {
      return nullptr;
    }
  }
  return type;
}

bool exists(std::string_view path, Version version) {
  const size_t dot = path.rfind('.');
  if (dot == path.npos) {
    const auto root = std::ranges::find(internal::roots(), path, &Field::name);
    return root != internal::roots().end() && root->in(version);
  }
  const Type* parent = find(path.substr(0, dot));
  return parent != nullptr && find_field(*parent, path.substr(dot + 1), version) != nullptr;
}

Version since(const Type& type, std::string_view name) {
  return static_cast<Version>(std::countr_zero(versions_of(type, name) | 32U));
}

Version until(const Type& type, std::string_view name) {
  return static_cast<Version>(std::bit_width(versions_of(type, name) | 1U) - 1);
}

}  // namespace dbm::cnpg
