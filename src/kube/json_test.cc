#include "kube/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "yaml/writer.h"

namespace dbm::kube {
namespace {

std::string again(std::string_view text) {
  yaml::Arena arena;
  const auto value = read_json(arena, text);
  if (!value) return value.error().message;
  std::string out;
  yaml::write_json(out, *value);
  return out;
}

TEST(Json, ReadsEveryKindOfValue) {
  const std::string_view text = R"({"a":[1,-2,3.5,true,false,null,"x",{}],"b":{"c":[]},"":""})";
  EXPECT_EQ(again(text), text);
}

TEST(Json, ReadsEscapesAndSurrogatePairs) {
  yaml::Arena arena;
  const std::string_view text = R"(["\ud83d\ude00 a\"\\\n","plain",")" "\xC2\x85\xE2\x80\xA8" R"("])";
  const auto value = read_json(arena, text);
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(value->items()[0].text(), "\xF0\x9F\x98\x80 a\"\\\n");
  EXPECT_EQ(value->items()[2].text(), "\xC2\x85\xE2\x80\xA8") << "as it is: no line end in JSON";
}

TEST(Json, PointsIntoTheTextWhereItCan) {
  yaml::Arena arena;
  const std::string text = R"({"key":"value"})";
  const auto value = read_json(arena, text);
  ASSERT_TRUE(value.ok());
  const char* at = value->find("key")->text().data();
  EXPECT_TRUE(at > text.data() && at < text.data() + text.size());
}

TEST(Json, KeepsNumbersAsTheyAreWritten) {
  EXPECT_EQ(again("[9223372036854775807,-9223372036854775808,0.1]"), "[9223372036854775807,-9223372036854775808,0.1]");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const std::string_view text : {"", "{", "[1,]", "{\"a\" 1}", "tru", "1 2", "\"a", "{\"a\":1}}", "nul", "[\"\xff\"]", "'a'"})
    EXPECT_THAT(again(text), ::testing::StartsWith("this is no JSON")) << text;
  EXPECT_THAT(again(std::string(100'000, '[')), ::testing::StartsWith("this is no JSON"));
}

TEST(Json, NeverQuotesTheTextInAnError) {
  EXPECT_THAT(again(R"({"password": hunter2})"), ::testing::Not(::testing::HasSubstr("hunter2")));
}

}  // namespace
}  // namespace dbm::kube
