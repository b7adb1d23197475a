#include "cnpg/judge.h"

#include <algorithm>

namespace dbm::cnpg {
namespace {

const yaml::Value kNothing{};

/// "externalClusters[2].name" step by step: a key, or an index in brackets.
std::string_view next_step(std::string_view& path) {
  const auto* const end =
      std::find_if(path.begin() + 1, path.end(), [](char c) { return c == '.' || c == '['; });
  std::string_view step(path.begin(), end);
  path.remove_prefix(step.size());
  if (step.starts_with('.')) step.remove_prefix(1);
  return step;
}

const yaml::Value* down(const yaml::Value& from, std::string_view step) {
  if (!step.starts_with('[')) return from.find(step);
  size_t index = 0;
  for (const char c : step.substr(1, step.size() - 2)) index = index * 10 + static_cast<size_t>(c - '0');
  return index < from.items().size() ? &from.items()[index] : nullptr;
}

}  // namespace

Judge::Judge(const yaml::Value& o, Version v, Diagnostics& out)
    : object(o), spec(o.find("spec") != nullptr ? *o.find("spec") : kNothing), version(v),
      name(text("metadata.name")), out_(out) {}

const yaml::Value* Judge::at(const yaml::Value& from, std::string_view path) {
  const yaml::Value* value = &from;
  while (!path.empty() && value != nullptr) value = down(*value, next_step(path));
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string_view Judge::text(const yaml::Value& from, std::string_view path) {
  const yaml::Value* value = at(from, path);
  return value != nullptr ? value->text() : std::string_view();
}

int64_t Judge::integer(std::string_view path, int64_t otherwise) const {
  const yaml::Value* value = at(path);
  return value != nullptr ? value->as_int().value_or(otherwise) : otherwise;
}

bool Judge::flag(const yaml::Value& from, std::string_view path) {
  const yaml::Value* value = at(from, path);
  return value != nullptr && value->as_bool().value_or(false);
}

std::span<const yaml::Value> Judge::items(std::string_view path) const {
  const yaml::Value* value = at(path);
  return value != nullptr ? value->items() : std::span<const yaml::Value>();
}

std::string_view Judge::annotation(std::string_view key) const {
  const yaml::Value* value = object.find_path({"metadata", "annotations", key});
  return value != nullptr ? value->text() : std::string_view();
}

Pos Judge::place(std::string_view path) const {
  const yaml::Value* named = at("metadata.name");
  Pos best = named != nullptr ? named->pos() : object.pos();
  const yaml::Value* value = &object;
  while (!path.empty() && value != nullptr) {
    value = down(*value, next_step(path));
    if (value != nullptr && value->pos()) best = value->pos();
  }
  return best;
}

void Judge::error(std::string_view code, std::string path, std::string message,
                  std::string hint) {
  const Pos pos = place(path);
  out_.error(code, pos, fmt::format("{} {}: {}", text("kind"), name, path), std::move(message),
             std::move(hint));
}

}  // namespace dbm::cnpg
