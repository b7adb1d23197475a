#include "values/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace dbm::values {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kSound = "clusters: {main: {enabled: true, databases: [{name: shop, owner: shop}]}}\n";

class Read : public ::testing::Test {
 protected:
  const Checked& run() {
    checked_ = read(inputs, options, [this](const std::string& path) -> Result<std::string> {
      const auto file = files.find(path);
      if (file == files.end()) return Error{"No such file or directory", "", ErrorCode::kNotFound};
      return file->second;
    });
    return *checked_;
  }
  std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const Diagnostic& d : checked_->diagnostics.sorted()) out.push_back(d.code);
    return out;
  }

  std::map<std::string, std::string> files = {{"a.yaml", kSound}};
  Inputs inputs;
  CheckOptions options;

 private:
  std::unique_ptr<Checked> checked_;
};

TEST_F(Read, ASoundFileIsPlanned) {
  inputs.files = {"a.yaml"};
  const Checked& checked = run();
  EXPECT_THAT(codes(), IsEmpty());
  ASSERT_EQ(checked.clusters.size(), 1u);
  EXPECT_FALSE(checked.options.applyset.empty());
}

TEST_F(Read, LaterFilesAndFlagsWinInHelmsOrder) {
  files["b.yaml"] = "clusters: {main: {instances: 2}}\n";
  inputs.files = {"a.yaml", "b.yaml"};
  EXPECT_EQ(run().values.clusters.front().value.instances, 2);
  inputs.set_json = {"clusters.main.instances=5"};
  EXPECT_EQ(run().values.clusters.front().value.instances, 5);
  inputs.set = {"clusters.main.instances=3"};
  EXPECT_EQ(run().values.clusters.front().value.instances, 3);
}

TEST_F(Read, EveryFileThatCannotBeReadIsNamed) {
  inputs.files = {"x.yaml", "a.yaml", "y.yaml"};
  const Checked& checked = run();
  EXPECT_THAT(codes(), ElementsAre("cannot-read", "cannot-read"));
  EXPECT_THAT(checked.diagnostics.items()[0].message, HasSubstr("x.yaml: No such file"));
  EXPECT_THAT(checked.clusters, IsEmpty());
}

TEST_F(Read, WhatIsNotAMapIsRefused) {
  files["a.yaml"] = "[clusters]\n";
  inputs.files = {"a.yaml"};
  run();
  EXPECT_THAT(codes(), ElementsAre("wrong-type"));
}

TEST_F(Read, NoInputAtAllIsAUsageError) {
  options.render.release = "values.yaml";
  const Checked& checked = run();
  EXPECT_THAT(codes(), ElementsAre("usage"));
  EXPECT_THAT(checked.diagnostics.items()[0].hint, HasSubstr("-f values.yaml"));
}

TEST_F(Read, LenientAndStrictMoveTheLine) {
  files["a.yaml"] = "clusters: {main: {enabled: true, misspelt: 1}}\n";
  inputs.files = {"a.yaml"};
  EXPECT_TRUE(run().diagnostics.has_errors());
  options.lenient = true;
  EXPECT_FALSE(run().diagnostics.has_errors());
  options.strict = true;
  EXPECT_TRUE(run().diagnostics.has_errors());
}

TEST_F(Read, OptionsAreCheckedWithTheValues) {
  inputs.files = {"a.yaml"};
  options.cnpg_version = "0.1";
  options.render.ns = "No";
  options.render.release = "-";
  run();
  EXPECT_THAT(codes(), ElementsAre("usage", "bad-name", "bad-name"));
}

}  // namespace
}  // namespace dbm::values
