#include "yaml/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "yaml/random_tree.h"
#include "yaml/testing.h"

namespace dbm::yaml {
namespace {

using testing::Document;

std::string yaml_of(std::string_view text) {
  Arena arena;
  Value map = Value::map(arena);
  map.append(arena, "k", Value::string(text));
  std::string out;
  write_yaml(out, map);
  return out.substr(0, out.size() - 1);
}

TEST(Writer, QuotesWhatAReaderCouldMisread) {
  for (const char* text :
       {"yes", "No", "on", "y", "null", "true", "~", "", "0123", "1e3", "1_000", "0x1F", "12:30", "1",
        "-1", "1.5", ".inf", "2001-01-01", " x", "x ", "#a", "a #b", "a: b", "a:", "- a", "-", "?",
        "=", "<<", "!a", "&a", "*a", "@a", "`a", "%a", "{a", "[a", "\"a", "'a", "|", ">", "\t", "a\tb",
        "\x01", "a\rb", "---"}) {
    const std::string out = yaml_of(text);
    EXPECT_EQ(out.substr(0, 4), "k: \"") << out;
    EXPECT_EQ(Document(out + "\n").at({"k"}).text(), text);
  }
}

TEST(Writer, LeavesPlainTextsPlain) {
  for (const char* text : {"abc", "a b", "a:b", "a#b", "10Gi", "ghcr.io/x/postgresql:17.2", "a-b_c",
                           "host \"a\" \"b\" all scram-sha-256", "/x", "a=b"}) {
    EXPECT_EQ(yaml_of(text), std::string("k: ") + text);
    EXPECT_EQ(Document(yaml_of(text) + "\n").at({"k"}).kind(), Kind::kString);
  }
}

TEST(Writer, WritesLinesAsBlocks) {
  EXPECT_EQ(yaml_of("a\nb\n"), "k: |\n  a\n  b");
  EXPECT_EQ(yaml_of("a\nb"), "k: |-\n  a\n  b");
  EXPECT_EQ(yaml_of(" a\nb"), "k: \" a\\nb\"");
  EXPECT_EQ(yaml_of("a\n\n"), "k: \"a\\n\\n\"");
}

TEST(Writer, WritesAsKubectlDoes) {
  const Document d("{a: {b: [1, {c: d, e: [x]}], f: {}}, g: [], h: [[1], [2]]}");
  std::string out;
  write_yaml(out, d.tree);
  EXPECT_EQ(out,
            "a:\n  b:\n  - 1\n  - c: d\n    e:\n    - x\n  f: {}\ng: []\nh:\n- - 1\n- - 2\n");
}

TEST(Writer, WritesNumbersInDecimal) {
  const Document d("[0x1F, 017, 1_000, 1e3, 1.50, .inf, .nan]");
  std::string yaml, json;
  write_yaml(yaml, d.tree);
  write_json(json, d.tree);
  EXPECT_EQ(yaml, "- 31\n- 15\n- 1000\n- 1000\n- 1.5\n- .inf\n- .nan\n");
  EXPECT_EQ(json, R"([31,15,1000,1000,1.5,".inf",".nan"])");
}

TEST(Writer, WritesJson) {
  const Document d("{a: \"\\u0001\\n\\\"\\\\\\x7f\", b: [~, true], c: {}}");
  std::string json, pretty;
  write_json(json, d.tree);
  EXPECT_EQ(json, "{\"a\":\"\\u0001\\n\\\"\\\\\\u007f\",\"b\":[null,true],\"c\":{}}");
  write_json(pretty, d.tree, 2);
  EXPECT_EQ(pretty, "{\n  \"a\": \"\\u0001\\n\\\"\\\\\\u007f\",\n  \"b\": [\n    null,\n    true\n  ],\n"
                    "  \"c\": {}\n}");
}

TEST(Writer, KnowsKeysThatNeedNoQuotes) {
  Arena arena;
  Value map = Value::map(arena);
  map.append(arena, "name", Value::string("a"));
  map.append(arena, "yes", Value::string("b"));
  map.append(arena, std::string_view("0123"), Value::plain("c"));
  map.set(arena, "name", Value::string("d"));
  EXPECT_TRUE(map.members()[0].has_plain_key());
  EXPECT_FALSE(map.members()[1].has_plain_key());
  std::string out;
  write_yaml(out, map);
  EXPECT_EQ(out, "name: d\n\"yes\": b\n\"0123\": c\n");
}

TEST(Writer, WritesTextsOfAnyLength) {  // it gathers some thousand bytes at a time
  for (const size_t size : {30u, 33u, 4090u, 4096u, 4100u, 9000u}) {
    const std::string text(size, 'a');
    EXPECT_EQ(yaml_of(text), "k: " + text);
    EXPECT_EQ(yaml_of(text + "\n" + text), "k: |-\n  " + text + "\n  " + text);
  }
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += "{a: ";
  const Document d(deep + "b" + std::string(60, '}'));
  std::string out;
  write_yaml(out, d.tree);
  EXPECT_EQ(out.substr(out.size() - 124), "\n" + std::string(118, ' ') + "a: b\n");
}

/// Everything that is written reads back the same.
void round_trip(void (*write)(std::string&, const Value&)) {
  Arena arena;
  Value tree = Value::map(arena);
  tree.append(arena, "v", testing::random_tree(arena));
  std::string text;
  write(text, tree);
  const Document again(text + "\n");
  RC_LOG() << text;
  RC_ASSERT(again.first() == "");
  RC_ASSERT(equal(tree, again.tree));
}

TEST(Writer, YamlReadsBackTheSame) {
  EXPECT_TRUE(rc::check([] { round_trip([](std::string& out, const Value& v) { write_yaml(out, v); }); }));
}

TEST(Writer, JsonReadsBackTheSame) {
  EXPECT_TRUE(rc::check([] { round_trip([](std::string& out, const Value& v) { write_json(out, v); }); }));
  EXPECT_TRUE(
      rc::check([] { round_trip([](std::string& out, const Value& v) { write_json(out, v, 2); }); }));
}

}  // namespace
}  // namespace dbm::yaml
