#include "yaml/value.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "yaml/random_tree.h"
#include "yaml/testing.h"
#include "yaml/writer.h"

namespace dbm::yaml {
namespace {

using testing::Document;

std::string json_of(const Value& v) {
  std::string out;
  write_json(out, v);
  return out;
}

std::string merged(const char* base, const char* over) {
  const Document a(base), b(over);
  Arena arena;
  return json_of(merge(arena, a.tree, b.tree));
}

TEST(Value, CopiesItemsAndMembersWithRoomForMore) {
  const Document d("{a: 1, b: [p, q]}");
  Arena arena;
  for (const size_t more : {0u, 1u, 3u}) {
    Value map = Value::map(arena, {}, d.tree.members(), more);
    Value list = Value::list(arena, {}, d.at({"b"}).items(), more);
    EXPECT_TRUE(equal(map, d.tree));
    EXPECT_TRUE(equal(list, d.at({"b"})));
    map.append(arena, "c", Value::boolean(true));
    list.push(arena, Value::string("z"));
    EXPECT_EQ(json_of(map), R"({"a":1,"b":["p","q"],"c":true})");
    EXPECT_EQ(json_of(list), R"(["p","q","z"])");
  }
  EXPECT_EQ(json_of(d.tree), R"({"a":1,"b":["p","q"]})");
}

TEST(Merge, IsHelms) {
  EXPECT_EQ(merged("{a: {b: 1, c: 2}}", "{a: {c: 3, d: 4}}"), R"({"a":{"b":1,"c":3,"d":4}})");
  EXPECT_EQ(merged("{a: [1, 2]}", "{a: [3]}"), R"({"a":[3]})");
  EXPECT_EQ(merged("{a: 1, b: 2}", "{a: ~}"), R"({"b":2})");
  EXPECT_EQ(merged("{a: {b: 1}}", "{a: 5}"), R"({"a":5})");
  EXPECT_EQ(merged("{a: 5}", "{a: {b: 1}}"), R"({"a":{"b":1}})");
  EXPECT_EQ(merged("{}", "{a: {b: ~}}"), R"({"a":{"b":null}})") << "for what is merged later";
}

TEST(Merge, ChangesNeitherSide) {
  EXPECT_TRUE(rc::check([] {
    Arena arena;
    const Value a = testing::random_tree(arena), b = testing::random_tree(arena);
    const std::string before = json_of(a) + json_of(b);
    merge(arena, a, b);
    RC_ASSERT(json_of(a) + json_of(b) == before);
  }));
}

TEST(Merge, OfAValueWithItselfIsItself) {
  EXPECT_TRUE(rc::check([] {
    Arena arena;
    const Value tree = testing::random_tree(arena);
    const Value once = merge(arena, tree, tree);
    RC_ASSERT(equal(merge(arena, once, once), once));
  }));
}

TEST(Clone, SharesNothing) {
  const Document d("{a: {b: [1, 2]}}");
  Arena arena;
  Value copy = clone(arena, d.tree);
  EXPECT_TRUE(equal(copy, d.tree));
  Value inner = *copy.find("a");
  inner.set(arena, "b", Value::boolean(true));
  EXPECT_EQ(json_of(d.tree), R"({"a":{"b":[1,2]}})");
  EXPECT_EQ(json_of(copy), R"({"a":{"b":true}})");
}

TEST(Equal, DoesNotCareForPlacesAndOrder) {
  EXPECT_TRUE(equal(Document("{a: 1, b: 2}").tree, Document("b: 2\na: 1\n").tree));
  EXPECT_FALSE(equal(Document("{a: 1}").tree, Document("{a: '1'}").tree));
  EXPECT_FALSE(equal(Document("[1, 2]").tree, Document("[2, 1]").tree));
  EXPECT_FALSE(equal(Document("{a: 1}").tree, Document("{a: 1, b: 2}").tree));
}

TEST(Value, SetReplacesInPlaceAndEraseCloses) {
  Arena arena;
  Value map = Value::map(arena);
  for (const char* key : {"a", "b", "c", "d", "e"})
    map.append(arena, std::string_view(key), Value::string(key));
  map.set(arena, "c", Value::boolean(false));
  EXPECT_TRUE(map.erase("a"));
  EXPECT_FALSE(map.erase("a"));
  EXPECT_EQ(json_of(map), R"({"b":"b","c":false,"d":"d","e":"e"})");
}

TEST(Value, NumbersOfTexts) {
  EXPECT_EQ(Value::string("12").as_int(), 12);
  EXPECT_EQ(Value::string("twelve").as_int(), std::nullopt);
  EXPECT_EQ(Value::string("99999999999999999999").as_int(), std::nullopt);
  EXPECT_EQ(Document("1e3").tree.as_double(), 1000.0);
  EXPECT_EQ(Value::string("yes").as_bool(), std::nullopt);
  EXPECT_EQ(Document("yes").tree.as_bool(), true);
}

TEST(Arena, IsUsedAgainAfterReset) {
  Arena arena(64);
  const char* first = arena.copy("one").data();
  arena.copy(std::string(1000, 'x'));
  arena.reset();
  EXPECT_EQ(arena.copy("two").data(), first);
}

TEST(ValueDeathTest, ChangesOnlyWhatItIs) {
  Arena arena;
  Value text = Value::string("text"), list = Value::list(arena), map = Value::map(arena), none;
  const char* const kMap = "changed as if it were a map";
  EXPECT_DEATH(text.push(arena, none), "a value that is a string was changed as if it were a list");
  EXPECT_DEATH(map.push(arena, none), "changed as if it were a list");
  EXPECT_DEATH(list.set(arena, "k", none), kMap);
  EXPECT_DEATH(text.append(arena, "k", none), kMap);
  EXPECT_DEATH(none.erase("k"), kMap);
}

}  // namespace
}  // namespace dbm::yaml
