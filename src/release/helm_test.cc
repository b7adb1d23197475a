#include "release/helm.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "release/tree.h"
#include "secrets/base64.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The release Secret's content, whose manifest is this text; `more`: further members of its JSON.
std::string release_with(std::string_view manifest, std::string_view more = "") {
  yaml::Arena arena;
  std::string quoted;
  yaml::write_json(quoted, yaml::Value::string(manifest));
  const std::string json = fmt::format(
      R"({{"name":"shop","version":7,"info":{{"status":"deployed"}},"chart":{{"metadata":{{"name":"c","version":"1"}},"values":{{"a":1}}}},"manifest":{}{}}})",
      quoted, more);
  std::string once, twice;
  secrets::append_base64(once, json);
  secrets::append_base64(twice, once);
  return twice;
}

TEST(Helm, ReadsEveryObjectOfTheManifest) {
  const auto release = decode_helm_release(release_with("---\n# Source: a.yaml\nkind: A\nmetadata: {name: x}\n---\n# nothing\n---\nkind: B\n"));
  ASSERT_TRUE(release.ok()) << release.error().message;
  EXPECT_EQ((*release)->name, "shop");
  ASSERT_EQ((*release)->objects.size(), 2u);
  EXPECT_EQ(text_at((*release)->objects[0], {"metadata", "name"}), "x");
  EXPECT_EQ(text_at((*release)->objects[1], {"kind"}), "B");
}

TEST(Helm, KnowsHowItsObjectsWereWritten) {
  const auto method = [](std::string_view more) {
    return decode_helm_release(release_with("kind: A\n", more)).value()->method;
  };
  EXPECT_EQ(method(""), ApplyMethod::kClientSide) << "Helm 3 says nothing";
  EXPECT_EQ(method(R"(,"apply_method":"csa")"), ApplyMethod::kClientSide);
  EXPECT_EQ(method(R"(,"apply_method":"ssa")"), ApplyMethod::kServerSide);
}

TEST(Helm, AManifestThatCannotBeReadIsNoPartOfARelease) {
  std::string deep(70, '[');
  for (const std::string& bad : {std::string("kind: B\ndata: !!binary aHVudGVyMg==\n"), "kind: B\ndata: " + deep + "\n", std::string("kind: [hunter2\n")}) {
    const auto release = decode_helm_release(release_with("kind: A\n---\n" + bad + "---\nkind: C\n"));
    ASSERT_FALSE(release.ok()) << bad << "what follows would stay Helm's, whose Secrets are hidden";
    EXPECT_THAT(release.error().message, HasSubstr("revision 7 of Helm's release shop has a manifest that cannot be read: line "));
    EXPECT_THAT(release.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(release.error().message, Not(HasSubstr("aHVudGVyMg")));
  }
}

}  // namespace
}  // namespace dbm::release
