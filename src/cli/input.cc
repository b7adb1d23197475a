#include "cli/input.h"

#include <future>
#include <set>

#include <fmt/format.h>

#include "base/parallel.h"
#include "base/text.h"
#include "cli/io.h"
#include "cnpg/rules.h"
#include "spec/names.h"
#include "yaml/reader.h"

namespace dbm::cli {
namespace {

/// One -f file into the merged tree.
void merge_file(Input& input, const std::string& path) {
  std::string error;
  auto text = read_file(path, error);
  const std::string name = path == "-" ? "<stdin>" : path;
  if (!text) {
    input.diagnostics.error("cannot-read", {}, {}, fmt::format("cannot read {}: {}", name, error));
    return;
  }
  const uint16_t source = input.sources.add(name, std::move(*text));
  const auto tree = yaml::read(input.arena, input.sources, source, input.diagnostics);
  if (!tree || tree->is_null()) return;
  if (!tree->is_map()) {
    input.diagnostics.error("wrong-type", tree->pos(), {},
                            fmt::format("a values file is a map, not {}",
                                        yaml::to_string(tree->kind())),
                            "it starts with `clusters:`");
    return;
  }
  input.tree = input.tree.is_null() ? *tree : yaml::merge(input.arena, input.tree, *tree);
}

void apply_sets(Input& input, const std::vector<std::string>& arguments, yaml::SetKind kind,
                std::string_view flag) {
  const yaml::ReadFile read_set_file = [&](const std::string& path,
                                           Pos pos) -> std::optional<std::string> {
    std::string error;
    auto text = read_file(path, error);
    if (!text)
      input.diagnostics.error("cannot-read", pos, {},
                              fmt::format("cannot read {}: {}", path, error));
    return text;
  };
  for (const std::string& argument : arguments) {
    const uint16_t source = input.sources.add(std::string(flag), argument);
    input.tree = yaml::apply_set(input.arena, input.tree, input.sources, source, kind,
                                 input.diagnostics, read_set_file);
  }
}

/// The README's own spelling under additionalClusterSpec that no CRD knows: mended, and said.
void mend_pod_anti_affinity(Input& input) {
  const yaml::Value* clusters = input.tree.find("clusters");
  if (clusters == nullptr) return;
  for (const yaml::Member& member : clusters->members()) {
    const yaml::Value* affinity =
        member.value.find_path({"additionalClusterSpec", "affinity"});
    const yaml::Member* wrong =
        affinity != nullptr ? affinity->find_member("podAntiAffinity") : nullptr;
    if (wrong == nullptr || affinity->find("additionalPodAntiAffinity") != nullptr) continue;
    input.diagnostics.warning(
        "pod-anti-affinity", wrong->key_pos,
        fmt::format("clusters.{}.additionalClusterSpec.affinity", printable(member.key)),
        "CloudNativePG has no podAntiAffinity here: it is taken as additionalPodAntiAffinity",
        "write additionalPodAntiAffinity");
    yaml::Value mended = *affinity;
    const yaml::Member copy = *wrong;
    mended.erase("podAntiAffinity");
    mended.append(input.arena, "additionalPodAntiAffinity", copy.value, copy.key_pos);
  }
}

/// What is said of places that no error was found at yet: one mistake is told once.
Diagnostics only_new(const Diagnostics& known, Diagnostics&& found) {
  std::set<Pos> places;
  for (const Diagnostic& d : known.items())
    if (d.severity == Severity::kError && d.pos) places.insert(d.pos);
  return std::move(found).without(places);
}

/// What the operator's webhooks would say of the objects.
void check_objects(Input& input) {
  const bool sound = !input.diagnostics.has_errors();
  Diagnostics all;
  render::Options options = input.options;
  options.judged_only = true;
  const auto units = render::units(input.values, input.clusters, options);
  const render::PasswordOf none = [](const spec::Cluster&, size_t) {
    return std::string_view();
  };
  ordered_parallel(
      units.size(), worker_count(units.size()),
      [&](size_t i) {
        Diagnostics found;
        render::render(input.values, units[i], options, none, [&](const render::Object& object) {
          cnpg::check_object(object.value, options.version, sound, found);
        });
        return found;
      },
      [&](Diagnostics&& found) { all.append(std::move(found)); });
  input.diagnostics.append(only_new(input.diagnostics, std::move(all)));
}

void check_options(Input& input, const ValueFlags& flags) {
  input.options = flags.render;
  if (!flags.cnpg_version.empty()) {
    const auto version = cnpg::parse_version(flags.cnpg_version);
    if (!version)
      input.diagnostics.error("usage", {}, {},
                              fmt::format("--cnpg-version {} is not known",
                                          printable(flags.cnpg_version)),
                              "1.25, 1.26, 1.27, 1.28, 1.29 or 1.30");
    else
      input.options.version = *version;
  }
  if (!spec::is_dns_label(input.options.ns))
    input.diagnostics.error("bad-name", {}, {},
                            fmt::format("\"{}\" is no legal namespace",
                                        printable(input.options.ns)),
                            "up to 63 lower-case letters, digits and -");
  if (!spec::is_dns_label(input.options.release, 53))
    input.diagnostics.error("bad-name", {}, {},
                            fmt::format("\"{}\" is no legal release name",
                                        printable(input.options.release)),
                            "up to 53 lower-case letters, digits and -");
}

}  // namespace

void check_tree(Input& input, const ValueFlags& flags, std::string applyset) {
  check_options(input, flags);
  input.options.applyset = std::move(applyset);
  mend_pod_anti_affinity(input);
  input.values = spec::load(input.arena, input.tree, input.diagnostics,
                            {input.options.version, flags.lenient});
  input.clusters = render::plan_clusters(input.values);
  check_objects(input);
  if (flags.strict) input.diagnostics.promote_warnings();
}

std::unique_ptr<Input> read_input(const ValueFlags& flags) {
  auto input = std::make_unique<Input>();
  if (flags.files.empty() && flags.set.empty() && flags.set_string.empty() &&
      flags.set_file.empty() && flags.set_json.empty()) {
    const std::string& word = flags.render.release;
    const bool is_file = word.ends_with(".yaml") || word.ends_with(".yml") || word.ends_with(".json");
    input->diagnostics.error("usage", {}, {}, "no values are given",
                             is_file ? fmt::format("did you mean -f {}?", printable(word))
                                     : "give a values file: -f values.yaml");
    return input;
  }
  // Meanwhile: OpenSSL takes most of a millisecond to start up.
  auto applyset = std::async(std::launch::async, render::applyset_id, flags.render.release,
                             flags.render.ns);
  for (const std::string& file : flags.files) merge_file(*input, file);
  if (input->diagnostics.has_errors()) return input;
  apply_sets(*input, flags.set_json, yaml::SetKind::kJson, "--set-json");
  apply_sets(*input, flags.set, yaml::SetKind::kTyped, "--set");
  apply_sets(*input, flags.set_string, yaml::SetKind::kString, "--set-string");
  apply_sets(*input, flags.set_file, yaml::SetKind::kFile, "--set-file");
  if (!input->diagnostics.has_errors()) check_tree(*input, flags, applyset.get());
  return input;
}

}  // namespace dbm::cli
