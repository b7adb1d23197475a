#include "yaml/reader.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "yaml/testing.h"
#include "yaml/writer.h"

namespace dbm::yaml {
namespace {

using testing::Document;
using ::testing::HasSubstr;

struct ScalarCase {
  const char* text;
  Kind kind;
};

void PrintTo(const ScalarCase& c, std::ostream* out) { *out << c.text; }
class ReadScalars : public ::testing::TestWithParam<ScalarCase> {};

TEST_P(ReadScalars, AreResolvedAsHelmDoes) {
  const Document d(std::string("v: ") + GetParam().text + "\n");
  EXPECT_EQ(d.first(), "");
  EXPECT_EQ(d.at({"v"}).kind(), GetParam().kind) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Yaml11, ReadScalars,
    ::testing::Values(
        ScalarCase{"true", Kind::kBool}, ScalarCase{"yes", Kind::kBool},
        ScalarCase{"Off", Kind::kBool}, ScalarCase{"on", Kind::kBool},
        ScalarCase{"\"yes\"", Kind::kString}, ScalarCase{"'1'", Kind::kString},
        ScalarCase{"1", Kind::kInt}, ScalarCase{"-1", Kind::kInt}, ScalarCase{"0x1F", Kind::kInt},
        ScalarCase{"0o17", Kind::kInt}, ScalarCase{"017", Kind::kInt},
        ScalarCase{"1_000", Kind::kInt}, ScalarCase{"1.5", Kind::kFloat},
        ScalarCase{"1e3", Kind::kFloat}, ScalarCase{".inf", Kind::kFloat},
        ScalarCase{"", Kind::kNull}, ScalarCase{"~", Kind::kNull}, ScalarCase{"null", Kind::kNull},
        ScalarCase{"10Gi", Kind::kString}, ScalarCase{"12:30", Kind::kString},
        ScalarCase{"2026-01-31", Kind::kString}, ScalarCase{"1.2.3", Kind::kString},
        ScalarCase{"|\n  a\n  b", Kind::kString}, ScalarCase{"[]", Kind::kList},
        ScalarCase{"{}", Kind::kMap}));

TEST(Reader, ReadsIntegersOfEverySpelling) {
  const Document d("[0x1F, 0o17, 017, 1_000, -5, +5]");
  std::vector<int64_t> values;
  for (const Value& v : d.tree.items()) values.push_back(v.as_int().value_or(-99));
  EXPECT_THAT(values, ::testing::ElementsAre(31, 15, 15, 1000, -5, 5));
}

TEST(Reader, KnowsThePlacesOfKeysAndValues) {
  const Document d("a:\n  - b: 1\n    cc: [x, yy]\n");
  const Value& item = d.at({"a"}).items()[0];
  const Member& cc = item.members()[1];
  EXPECT_EQ(cc.key_pos, (Pos{3, 5, 0}));
  EXPECT_EQ(cc.value.pos(), (Pos{3, 9, 0}));
  EXPECT_EQ(cc.value.items()[1].pos(), (Pos{3, 13, 0}));
  EXPECT_EQ(item.pos(), (Pos{2, 5, 0}));
}

TEST(Reader, UsesTheSourcesTextWithoutCopies) {
  Document d("name: plain\n");
  const std::string_view text = d.sources.text(0);
  const std::string_view value = d.at({"name"}).text();
  EXPECT_GE(value.data(), text.data());
  EXPECT_LT(value.data(), text.data() + text.size());
}

TEST(Reader, MergesKeys) {
  const Document d("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
                   "one: {<<: *b, y: 9}\nmany: {<<: [*b, *m]}\n");
  EXPECT_EQ(d.first(), "");
  std::string json;
  write_json(json, d.at({"one"}));
  write_json(json, d.at({"many"}));
  EXPECT_EQ(json, R"({"y":9,"x":1}{"x":1,"y":2,"z":4})");
}

TEST(Reader, SharesWhatAliasesStandFor) {
  const Document d("a: &a {x: [1, 2]}\nb: *a\n");
  EXPECT_TRUE(equal(d.at({"a"}), d.at({"b"})));
  EXPECT_EQ(d.at({"a", "x"}).items().data(), d.at({"b", "x"}).items().data());
}

TEST(Reader, ReadsCrLfAndByteOrderMarks) {
  EXPECT_EQ(Document("\xEF\xBB\xBF" "a: 1\r\nb: x\r\n").at({"b"}).text(), "x");
}

TEST(Reader, ReadsJson) {
  const Document d(R"({"a": [1, true, null, "\u00e9\n"]})");
  EXPECT_EQ(d.first(), "");
  EXPECT_EQ(d.at({"a"}).items()[3].text(), "\xC3\xA9\n");
}

TEST(Reader, EmptyFilesAreNull) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n"}) {
    const Document d(text);
    EXPECT_EQ(d.first(), "") << text;
    EXPECT_TRUE(d.tree.is_null());
  }
}

struct BadCase {
  const char* name;
  std::string text;
  const char* said;  // code and place
  const char* message;
};

void PrintTo(const BadCase& c, std::ostream* out) { *out << c.name; }
class ReadRefused : public ::testing::TestWithParam<BadCase> {};

TEST_P(ReadRefused, WithPlaceAndReason) {
  const BadCase& c = GetParam();
  const Document d(c.text);
  EXPECT_THAT(d.first(), ::testing::StartsWith(c.said));
  EXPECT_THAT(d.diagnostics.sorted()[0].message, HasSubstr(c.message));
  EXPECT_TRUE(d.tree.is_null());
}

std::string bomb() {
  std::string text = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i)
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            ", *a" + std::to_string(i - 1) + "]\n";
  return text;
}

/// Siblings of `levels` brackets each, every one around the sibling before it.
std::string stairs(int siblings, int levels) {
  const std::string open(static_cast<size_t>(levels), '['), close(static_cast<size_t>(levels), ']');
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i <= siblings; ++i)
    text += fmt::format("a{0}: &a{0} {2}*a{1}{3}\n", i, i - 1, open, close);
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    Bad, ReadRefused,
    ::testing::Values(
        BadCase{"bracket", "a: [\n", "yaml 2:1", "not YAML"},
        BadCase{"tab", "a:\n\tb: 1\n", "yaml-tab 2:1", "tab"},
        BadCase{"duplicate", "a: 1\nb: 2\na: 3\n", "yaml-duplicate-key 3:1", "a"},
        BadCase{"duplicate_among_many",
                [] {
                  std::string text;
                  for (int i = 0; i < 100; ++i) text += "k" + std::to_string(i) + ": 1\n";
                  return text + "k50: 2\n";
                }(),
                "yaml-duplicate-key 101:1", "k50"},
        BadCase{"list_key", "? [a]\n: 1\n", "yaml 1:3", "key"},
        BadCase{"unknown_alias", "a: *b\n", "yaml-alias 1:4", "no anchor &b"},
        BadCase{"inner_alias", "a: &a [*a]\n", "yaml-alias 1:8", "inside what it names"},
        BadCase{"tag", "a: !Ref b\n", "yaml-tag 1:4", "tag"},
        BadCase{"nul", std::string("a: \0", 4), "yaml-nul 1:4", "NUL"},
        BadCase{"utf8", "a: \xC0\xAF\n", "yaml-utf8 1:4", "0xC0"},
        BadCase{"surrogate", "a: \xED\xA0\x80\n", "yaml-utf8 1:4", "0xED"},
        BadCase{"utf16", std::string("\xFF\xFE" "a\0", 4), "yaml-utf8 1:1", "UTF-16"},
        BadCase{"documents", "a: 1\n---\nb: 2\n", "yaml-documents 3:1", "more than one"},
        BadCase{"deep", std::string(100, '[') + std::string(100, ']'), "yaml-depth 1:61", "deep"},
        BadCase{"deep_aliases", stairs(830, 57), "yaml-depth 3:66", "aliases counted"},
        BadCase{"deep_merges",
                "a: &a {<<: {b: " + std::string(30, '[') + std::string(30, ']') + "}}\nc: {<<: *a, d: " +
                    std::string(30, '[') + "*a" + std::string(30, ']') + "}\n",
                "yaml-depth 2:46", "aliases counted"},
        BadCase{"bomb", bomb(), "yaml-alias", "stand for"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Reader, ReadsAnEmptyFoldedBlock) {  // libfyaml 0.7 took it for longer than it is
  std::ifstream file(DBM_SOURCE_DIR "/test/yaml/found/folded-block-too-long.yaml");
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_FALSE(text.str().empty());
  const Document d(text.str());
  EXPECT_EQ(d.first(), "");
  const Value& cluster = d.at({"cclusters", "saas-prod"});
  EXPECT_EQ(cluster.members()[1].key, "instances");
  EXPECT_EQ(cluster.members()[1].value.text(), "");
  EXPECT_EQ(cluster.find("imageName")->text(), "ghcr.io/cloudnative-pg/postgresql:17.2");
}

TEST(Reader, CountsColumnsInBytes) {
  const Document d("\"\xC3\xA9\": {x: \xE2\x82\xAC, y: [z]}\nb: 1\n");
  EXPECT_EQ(d.first(), "");
  const Member& first = d.tree.members()[0];
  EXPECT_EQ(first.value.members()[1].key_pos, (Pos{1, 16, 0}));
  EXPECT_EQ(first.value.members()[0].value.text(), "\xE2\x82\xAC");
  EXPECT_EQ(d.tree.members()[1].key_pos, (Pos{2, 1, 0}));
}

TEST(Reader, TellsBothPlacesOfADuplicateKey) {
  const Document d("a: 1\na: 2\n");
  EXPECT_EQ(d.diagnostics.sorted()[0].related, (Pos{1, 1, 0}));
}

TEST(Reader, KeepsItsLimits) {
  EXPECT_EQ(Document("a: 1", {.bytes = 3}).first(), "yaml-size 1:1");
  EXPECT_EQ(Document("[[1]]", {.depth = 1}).first(), "yaml-depth 1:2");
  EXPECT_EQ(Document("a: &a [1, 2]\nb: [*a, *a]\n", {.expanded_nodes = 5}).first().substr(0, 10),
            "yaml-alias");
}

TEST(Reader, CountsTheDepthOfAliases) {
  const ReadLimits limits{.depth = 4};
  EXPECT_EQ(Document("a: &a [[1]]\nb: [*a]\n", limits).first(), "");
  EXPECT_EQ(Document("a: &a [[1]]\nb: [[*a]]\n", limits).first(), "yaml-depth 2:6");
  EXPECT_EQ(Document("a: &a {k: [1]}\nb: [{<<: *a}]\n", limits).first(), "");
  EXPECT_EQ(Document("a: &a {k: [[1]]}\nb: [{<<: *a}]\n", limits).first(), "yaml-depth 2:10");
}

TEST(Reader, AChainOfMergesIsNotDeep) {
  std::string text = "a0: &a0 {k: [1]}\n";
  for (int i = 1; i < 200; ++i) text += fmt::format("a{0}: &a{0} {{<<: *a{1}, k{0}: 1}}\n", i, i - 1);
  EXPECT_EQ(Document(text).first(), "");
}

TEST(Reader, MergesManyKeysIntoMany) {  // 10^10 comparisons, were it not linear
  std::string text = "a: &a\n";
  for (int i = 0; i < 100'000; ++i) text += fmt::format("  a{}: 1\n", i);
  text += "b:\n  <<: *a\n";
  for (int i = 0; i < 100'000; ++i) text += fmt::format("  b{}: 1\n", i);
  const Document d(text);
  EXPECT_EQ(d.first(), "");
  EXPECT_EQ(d.at({"b"}).size(), 200'000u);
}

TEST(Reader, ReadsSeveralDocuments) {
  Sources sources;
  Arena arena;
  Diagnostics diagnostics;
  const uint16_t source = sources.add("t", "a: 1\n---\nb: &x 2\n---\nc: 3\n");
  EXPECT_EQ(read_all(arena, sources, source, diagnostics).size(), 3u);
  EXPECT_FALSE(diagnostics.has_errors());
}

}  // namespace
}  // namespace dbm::yaml
