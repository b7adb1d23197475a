#include "release/applied.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/json.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

/// The part of an object with this spec, of which the fields `owned` are ours.
std::string part(std::string_view spec, std::string_view owned, std::string_view manager = "cnpg-dbm") {
  const std::string text = fmt::format(
      R"({{"apiVersion":"v1","kind":"X","metadata":{{"name":"n","namespace":"s","uid":"u","managedFields":[)"
      R"({{"manager":"other","operation":"Apply","fieldsV1":{{"f:spec":{{"f:theirs":{{}}}}}}}},)"
      R"({{"manager":"{}","operation":"Apply","fieldsV1":{{"f:spec":{}}}}}]}},"spec":{},"status":{{"a":1}}}})",
      manager, owned, spec);
  yaml::Arena arena;
  const auto live = kube::read_json(arena, text);
  if (!live) return live.error().message;
  std::string out;
  yaml::write_json(out, applied_part(arena, *live, "cnpg-dbm"));
  constexpr std::string_view kHead = R"({"apiVersion":"v1","kind":"X","metadata":{"name":"n","namespace":"s"})";
  EXPECT_EQ(out.substr(0, kHead.size()), kHead);
  return out.substr(kHead.size());
}

TEST(Applied, MapsGoFieldByField) {
  EXPECT_EQ(part(R"({"a":1,"b":{"c":2,"d":3},"theirs":4})", R"({"f:a":{},"f:b":{".":{},"f:d":{}}})"), R"(,"spec":{"a":1,"b":{"d":3}}})");
}

TEST(Applied, LeavesAreWhole) {
  EXPECT_EQ(part(R"({"a":{"b":[1,{"c":2}]}})", R"({"f:a":{}})"), R"(,"spec":{"a":{"b":[1,{"c":2}]}}})");
  EXPECT_EQ(part(R"({"a":{"b":1}})", R"({"f:a":{".":{}}})"), R"(,"spec":{"a":{}}})");
}

TEST(Applied, ChangingItLeavesTheLiveObjectAsItIs) {
  const std::string text =
      R"({"kind":"Secret","metadata":{"name":"n","managedFields":[{"manager":"m","operation":"Apply","fieldsV1":{"f:data":{}}}]},)"
      R"("data":{"password":"c2VjcmV0","user":"YQ=="}})";
  yaml::Arena arena;
  const auto live = kube::read_json(arena, text);
  ASSERT_TRUE(live.ok());
  const yaml::Value ours = applied_part(arena, *live, "m");
  yaml::Value data = *ours.find("data");
  EXPECT_TRUE(data.erase("password"));
  EXPECT_NE(live->find_path({"data", "password"}), nullptr);
}

TEST(Applied, ItemsByKeysAndByValueInTheListsOrder) {
  EXPECT_EQ(part(R"({"r":[{"name":"b","x":1},{"name":"c"},{"name":"a","x":2,"y":3}]})",
                 R"({"f:r":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:y":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}})"),
            R"(,"spec":{"r":[{"name":"b"},{"name":"a","y":3}]}})");
  EXPECT_EQ(part(R"({"p":[{"port":80,"protocol":"TCP"},{"port":80,"protocol":"UDP"}]})",
                 R"({"f:p":{"k:{\"port\":80,\"protocol\":\"UDP\"}":{}}})"),
            R"(,"spec":{"p":[{"port":80,"protocol":"UDP"}]}})");
  EXPECT_EQ(part(R"({"v":["x","y","z"]})", R"({"f:v":{"v:\"z\"":{},"v:\"x\"":{},"v:\"w\"":{}}})"), R"(,"spec":{"v":["x","z"]}})");
}

TEST(Applied, WhatIsGoneIsLeftOut) {
  EXPECT_EQ(part(R"({"a":1})", R"({"f:a":{},"f:b":{"f:c":{}},"f:d":{"k:{\"name\":\"x\"}":{}}})"), R"(,"spec":{"a":1}})");
}

TEST(Applied, OthersFieldsAreNotOurs) { EXPECT_EQ(part(R"({"a":1})", R"({"f:a":{}})", "kubectl"), "}"); }

}  // namespace
}  // namespace dbm::release
