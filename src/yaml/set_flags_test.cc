#include "yaml/set_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "yaml/testing.h"
#include "yaml/writer.h"

namespace dbm::yaml {
namespace {

using testing::Document;
using ::testing::HasSubstr;

struct Applied {
  Applied(const char* argument, SetKind kind, const char* base = "{a: {b: 1, l: [1, 2]}}") : d(base) {
    const uint16_t source = d.sources.add("--set", argument);
    const ReadFile read_file = [](const std::string& path, Pos) -> std::optional<std::string> {
      return "content of " + path;
    };
    const Value out =
        apply_set(d.arena, d.tree, d.sources, source, kind, d.diagnostics, read_file);
    write_json(json, out);
  }
  Document d;
  std::string json;
};

struct SetCase {
  const char* argument;
  const char* json;
};

void PrintTo(const SetCase& c, std::ostream* out) { *out << c.argument; }
class SetTyped : public ::testing::TestWithParam<SetCase> {};

TEST_P(SetTyped, GivesWhatHelmGives) {
  const Applied run(GetParam().argument, SetKind::kTyped);
  EXPECT_EQ(run.d.first(), "");
  EXPECT_EQ(run.json, GetParam().json);
}

// Helm 3.22: helm template x -f base.yaml --set ARGUMENT, with {{ toJson .Values }} (our maps keep
// the order of writing).
INSTANTIATE_TEST_SUITE_P(
    Helm, SetTyped,
    ::testing::Values(
        SetCase{"a.c=v", R"({"a":{"b":1,"l":[1,2],"c":"v"}})"},
        SetCase{"a.l[0]=9", R"({"a":{"b":1,"l":[9,2]}})"},
        SetCase{"a.l[3]=9", R"({"a":{"b":1,"l":[1,2,null,9]}})"},
        SetCase{R"(a\.b=v)", R"({"a":{"b":1,"l":[1,2]},"a.b":"v"})"},
        SetCase{"a={p,q}", R"({"a":["p","q"]})"},
        SetCase{"a={}", R"({"a":[]})"},
        SetCase{R"(a=x\,y)", R"({"a":"x,y"})"},
        SetCase{"a=1,b=true,c=1.5,d=,e=0123", R"({"a":1,"b":true,"c":"1.5","d":"","e":"0123"})"},
        SetCase{"a=x=y", R"({"a":"x=y"})"},
        SetCase{"a= y", R"({"a":" y"})"},
        SetCase{"a=1,x[0].n=1,x[0].m=2,x[1].n=3", R"({"a":1,"x":[{"n":1,"m":2},{"n":3}]})"},
        SetCase{"a=1,x[0][1]=2", R"({"a":1,"x":[[null,2]]})"},
        SetCase{"a={x}bc=1", R"({"a":["x"],"bc":1})"},
        SetCase{"a={x},bc=1", R"({"a":["x"],"bc":1})"},
        SetCase{"a=-010,b=+5,c=-0,d=0,e=00", R"({"a":-10,"b":5,"c":0,"d":0,"e":"00"})"},
        SetCase{"a=9223372036854775807,b=9223372036854775808",
                R"({"a":9223372036854775807,"b":"9223372036854775808"})"},
        SetCase{"a=+-5,b=-,c=+,d=1_0,e=0x1F", R"({"a":"+-5","b":"-","c":"+","d":"1_0","e":"0x1F"})"},
        SetCase{"a=True,b=FALSE,c=Null,d=yes", R"({"a":true,"b":false,"c":null,"d":"yes"})"},
        SetCase{"a.b.c=1", R"({"a":{"b":{"c":1},"l":[1,2]}})"}));

TEST(SetFlags, EveryNumberIsReadInBaseTen) {
  EXPECT_TRUE(rc::check([](int64_t n, bool padded, bool plus) {
    const std::string digits = std::to_string(n);
    std::string text = digits;
    if (n < 0 && padded) text.insert(1, "0");
    if (n > 0 && plus) text.insert(0, "+");
    const Applied run(("a=" + text).c_str(), SetKind::kTyped);
    RC_ASSERT(run.json == "{\"a\":" + digits + "}");
  }));
}

TEST(SetFlags, NoLetterAfterAListIsLost) {
  EXPECT_TRUE(rc::check([](bool comma) {
    const auto letters = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'm')));
    const std::string item = *letters, key = "x" + *letters, value = "v" + *letters;
    const std::string text = "a={" + item + "}" + (comma ? "," : "") + key + "=" + value;
    const Applied run(text.c_str(), SetKind::kTyped);
    RC_ASSERT(run.json == "{\"a\":[\"" + item + "\"],\"" + key + "\":\"" + value + "\"}");
  }));
}

TEST(SetFlags, NullRemoves) {
  EXPECT_EQ(Applied("a.b=null", SetKind::kTyped).json, R"({"a":{"b":null,"l":[1,2]}})");
}

TEST(SetFlags, StringsStayStrings) {
  EXPECT_EQ(Applied("a=1,b=true,c=null", SetKind::kString).json, R"({"a":"1","b":"true","c":"null"})");
}

TEST(SetFlags, FilesAreTheirContent) {
  EXPECT_EQ(Applied("a=/etc/x", SetKind::kFile).json, R"({"a":"content of /etc/x"})");
}

TEST(SetFlags, JsonIsJson) {
  EXPECT_EQ(Applied(R"(a={"k":[1,null]},b=2)", SetKind::kJson).json, R"({"a":{"k":[1,null]},"b":2})");
}

TEST(SetFlags, AnEmptyFileCanBeSet) {
  EXPECT_EQ(Applied("a.b=1", SetKind::kTyped, "").json, R"({"a":{"b":1}})");
}

TEST(SetFlags, LeavesTheBaseAlone) {
  const Applied run("a.b=2,a.l[0]=7", SetKind::kTyped);
  std::string base;
  write_json(base, run.d.tree);
  EXPECT_EQ(base, R"({"a":{"b":1,"l":[1,2]}})");
}

struct BadCase {
  const char* argument;
  SetKind kind;
  const char* message;
};

void PrintTo(const BadCase& c, std::ostream* out) { *out << c.argument; }
class SetRefused : public ::testing::TestWithParam<BadCase> {};

TEST_P(SetRefused, WithItsPlace) {
  const Applied run(GetParam().argument, GetParam().kind);
  ASSERT_TRUE(run.d.diagnostics.has_errors()) << run.json;
  const Diagnostic d = run.d.diagnostics.sorted()[0];
  EXPECT_GE(d.pos.source, 1);
  EXPECT_GE(d.pos.line, 1u);
  EXPECT_THAT(d.message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, SetRefused,
    ::testing::Values(BadCase{"a", SetKind::kTyped, "no value"},
                      BadCase{"a[-1]=1", SetKind::kTyped, "index"},
                      BadCase{"a[x]=1", SetKind::kTyped, "index"},
                      BadCase{"a[99999999]=1", SetKind::kTyped, "index"},
                      BadCase{"a[0=1", SetKind::kTyped, ""},
                      BadCase{"a={1,2", SetKind::kTyped, ""},
                      BadCase{"a={", SetKind::kJson, ""},
                      BadCase{"a=nonsense", SetKind::kJson, ""}));

}  // namespace
}  // namespace dbm::yaml
