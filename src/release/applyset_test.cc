#include "release/applyset.h"

#include "release/testing.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

const ApplySet kSet{{"Cluster.postgresql.cnpg.io", "Secret"}, {"crm", "web"}, "AB12=1.29"};

TEST(ApplySet, ReadsWhatItWrites) {
  yaml::Arena arena;
  for (const ApplySet& set : {kSet, ApplySet{}, ApplySet{{"Secret"}, {}, "", "old"}})
    EXPECT_EQ(read_parent(parent_object(arena, testing::kShop, set)), set);
}

TEST(ApplySet, TheParentIsAsKepSays) {
  yaml::Arena arena;
  const yaml::Value parent = parent_object(arena, testing::kShop, kSet);
  EXPECT_EQ(text_at(parent, {"metadata", "name"}), "cnpg-dbm-shop");
  EXPECT_EQ(text_at(parent, {"metadata", "namespace"}), "prod");
  EXPECT_EQ(label(parent, "applyset.kubernetes.io/id"), "applyset-shop");
  EXPECT_EQ(annotation(parent, "applyset.kubernetes.io/contains-group-kinds"), "Cluster.postgresql.cnpg.io,Secret") << "sorted";
  EXPECT_EQ(annotation(parent, "applyset.kubernetes.io/additional-namespaces"), "crm,web");
  EXPECT_EQ(label(parent, kPartOf), "") << "it is no member of itself";
  EXPECT_EQ(tool_of(parent), "cnpg-dbm");
}

TEST(ApplySet, TheParentNamesWhatItIsWrittenOver) {
  yaml::Arena arena;
  const testing::Json live(testing::object_json("Secret", "cnpg-dbm-shop", "", R"("uid":"u","resourceVersion":"7")"));
  const yaml::Value parent = parent_object(arena, testing::kShop, kSet, seen_parent(live.tree));
  EXPECT_EQ(text_at(parent, {"metadata", "uid"}), "u");
  EXPECT_EQ(text_at(parent, {"metadata", "resourceVersion"}), "7");
  EXPECT_EQ(parent_object(arena, testing::kShop, kSet).find_path({"metadata", "resourceVersion"}), nullptr);
}

TEST(ApplySet, AnotherVersionOfTheProgramIsNoChange) {
  const testing::Json live(testing::object_json("Secret", "p", "", R"("annotations":{"applyset.kubernetes.io/tooling":"cnpg-dbm/v0.0.1",)"
                                                                   R"("applyset.kubernetes.io/contains-group-kinds":"Secret"})"));
  EXPECT_EQ(read_parent(live.tree), (ApplySet{{"Secret"}, {}, ""}));
}

TEST(ApplySet, ReadsParentsOfOthers) {
  const auto read = [](std::string_view annotations) {
    return read_parent(testing::Json(testing::object_json("Secret", "p", "", fmt::format(R"("annotations":{{{}}})", annotations))).tree);
  };
  EXPECT_EQ(read(""), ApplySet{});
  EXPECT_EQ(read(R"("applyset.kubernetes.io/contains-group-kinds":",Secret,,Secret,")"), (ApplySet{{"Secret"}, {}, ""}));
  EXPECT_EQ(tool_of(testing::Json(R"({"metadata":{"annotations":{"applyset.kubernetes.io/tooling":"kubectl/v1.34"}}})").tree), "kubectl");
  EXPECT_EQ(tool_of(testing::Json("{}").tree), "");
}

TEST(ApplySet, AddsUp) {
  ApplySet set{{"Secret"}, {"crm"}, ""};
  set.add({{"ConfigMap"}, {"web"}, "H=1.30"});
  EXPECT_EQ(set, (ApplySet{{"ConfigMap", "Secret"}, {"crm", "web"}, "H=1.30"}));
  set.add({{}, {}, "I=1.29"});
  EXPECT_EQ(set.cnpg_api, "H=1.30") << "the first one stays";
}

}  // namespace
}  // namespace dbm::release
