// Any bytes as a values file: decoded, judged, rendered, reported - whatever is wrong with it.

#include "cli/report.h"
#include "values/check.h"
#include "yaml/reader.h"
#include "yaml/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbm;
  values::Checked input;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto tree = yaml::read(input.arena, input.sources, input.sources.add("fuzz", text),
                               input.diagnostics, {.expanded_nodes = 10'000});
  if (tree && tree->is_map()) {
    input.tree = *tree;
    values::check(input, {}, render::applyset_id("release", "default"));
    if (!input.diagnostics.has_errors()) {
      std::string out;
      for (const render::Unit& unit : render::units(input.values, input.clusters, input.options))
        render::render(
            input.values, unit, input.options,
            [](const spec::Cluster&, size_t) { return std::string_view("password"); },
            [&](const render::Object& object) { yaml::write_yaml(out, object.value); });
    }
  }
  cli::report_text(input.sources, input.diagnostics, true);
  cli::report_sarif(input.sources, input.diagnostics);
  return 0;
}
