// Rendering and judging on several threads at once; `make test` runs this under ThreadSanitizer too.

#include <gtest/gtest.h>

#include "base/parallel.h"
#include "cnpg/rules.h"
#include "render/render.h"
#include "spec/testing.h"
#include "yaml/writer.h"

namespace dbm::render {
namespace {

/// Three clusters, the first with a mistake that only CloudNativePG's webhooks find.
std::string large_file() {
  std::string out = "clusters:\n";
  for (const char* name : {"one", "two", "three"}) {
    out += fmt::format("  {}:\n    enabled: true\n    poolers: [{{name: rw}}]\n    databases:\n", name);
    for (int i = 0; i < 150; ++i) out += fmt::format("      - {{name: {0}{1}, owner: {0}{1}}}\n", name, i);
    if (out.find("two:") == out.npos) out += "    additionalClusterSpec: {maxSyncReplicas: 5}\n";
  }
  return out;
}

struct Output {
  std::string text, mistakes;
};

Output render_all(const spec::testing::Loaded& file, unsigned workers) {
  const Options options;
  const auto clusters = plan_clusters(file.values);
  const auto all = units(file.values, clusters, options);
  EXPECT_GT(all.size(), 8u);
  struct Made {
    std::string text;
    Diagnostics found;
  };
  Output out;
  ordered_parallel(
      all.size(), workers,
      [&](size_t i) {
        Made made;
        render(file.values, all[i], options, [](const spec::Cluster&, size_t) { return "password"; }, [&](const Object& object) {
          yaml::write_yaml(made.text, object.value);
          cnpg::check_object(object.value, options.version, true, made.found);
        });
        return made;
      },
      [&](Made&& made) {
        out.text += made.text;
        for (const Diagnostic& d : made.found.items()) out.mistakes += d.message + "\n";
      });
  return out;
}

TEST(Threads, ManyMakeAndJudgeWhatOneDoes) {
  const spec::testing::Loaded file(large_file());
  EXPECT_FALSE(file.file.diagnostics.has_errors()) << file.said();
  const Output one = render_all(file, 1), many = render_all(file, 4);
  EXPECT_EQ(one.text, many.text);
  EXPECT_EQ(one.mistakes, many.mistakes);
  EXPECT_NE(one.mistakes, "");
}

}  // namespace
}  // namespace dbm::render
