#include "values/read.h"

#include <future>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "yaml/reader.h"
#include "yaml/set_flags.h"

namespace dbm::values {
namespace {

/// Merges one -f file into the tree.
void merge_file(Checked& checked, const std::string& path, const ReadFile& read_file) {
  auto text = read_file(path);
  const std::string name = path == "-" ? "<stdin>" : path;
  if (!text) {
    checked.diagnostics.error("cannot-read", {}, {}, fmt::format("cannot read {}: {}", name, text.error().message));
    return;
  }
  const uint16_t source = checked.sources.add(name, std::move(text).value());
  const auto tree = yaml::read(checked.arena, checked.sources, source, checked.diagnostics);
  if (!tree || tree->is_null()) return;
  if (!tree->is_map()) {
    checked.diagnostics.error("wrong-type", tree->pos(), {},
                              fmt::format("a values file is a map, not {}", yaml::to_string(tree->kind())),
                              "it starts with `clusters:`");
    return;
  }
  checked.tree = checked.tree.is_null() ? *tree : yaml::merge(checked.arena, checked.tree, *tree);
}

void apply_sets(Checked& checked, const std::vector<std::string>& arguments, yaml::SetKind kind, std::string_view flag,
                const ReadFile& read_file) {
  const yaml::ReadFile read_set_file = [&](const std::string& path, Pos pos) -> std::optional<std::string> {
    auto text = read_file(path);
    if (text) return std::move(text).value();
    checked.diagnostics.error("cannot-read", pos, {}, fmt::format("cannot read {}: {}", path, text.error().message));
    return std::nullopt;
  };
  for (const std::string& argument : arguments) {
    const uint16_t source = checked.sources.add(std::string(flag), argument);
    checked.tree = yaml::apply_set(checked.arena, checked.tree, checked.sources, source, kind, checked.diagnostics,
                                   read_set_file);
  }
}

void report_no_values(Checked& checked, const std::string& word) {
  const bool is_file = word.ends_with(".yaml") || word.ends_with(".yml") || word.ends_with(".json");
  checked.diagnostics.error("usage", {}, {}, "no values are given",
                            is_file ? fmt::format("did you mean -f {}?", printable(word))
                                    : "give a values file: -f values.yaml");
}

}  // namespace

bool Inputs::empty() const {
  return files.empty() && set.empty() && set_string.empty() && set_file.empty() && set_json.empty();
}

std::unique_ptr<Checked> read(const Inputs& inputs, const CheckOptions& options, const ReadFile& read_file) {
  auto checked = std::make_unique<Checked>();
  if (inputs.empty()) {
    report_no_values(*checked, options.render.release);
    return checked;
  }
  // In parallel: OpenSSL takes most of a millisecond to start up.
  auto applyset = std::async(std::launch::async, render::applyset_id, options.render.release, options.render.ns);
  for (const std::string& file : inputs.files) merge_file(*checked, file, read_file);
  if (checked->diagnostics.has_errors()) return checked;
  apply_sets(*checked, inputs.set_json, yaml::SetKind::kJson, "--set-json", read_file);
  apply_sets(*checked, inputs.set, yaml::SetKind::kTyped, "--set", read_file);
  apply_sets(*checked, inputs.set_string, yaml::SetKind::kString, "--set-string", read_file);
  apply_sets(*checked, inputs.set_file, yaml::SetKind::kFile, "--set-file", read_file);
  if (!checked->diagnostics.has_errors()) check(*checked, options, applyset.get());
  return checked;
}

}  // namespace dbm::values
