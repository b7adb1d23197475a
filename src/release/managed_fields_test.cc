#include "release/managed_fields.h"

#include "release/testing.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using testing::LiveJson;

const std::string kHelms = R"({"manager":"helm","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:password":{},"f:username":{}},"f:metadata":{"f:labels":{"f:a":{}}}}})";
const std::string kStatus = R"({"manager":"manager","operation":"Update","subresource":"status","fieldsV1":{"f:metadata":{"f:labels":{"f:a":{}}}}})";
const std::string kEdit = R"({"manager":"kubectl-edit","operation":"Update","fieldsV1":{"f:spec":{}}})";

std::string fields(std::initializer_list<std::string> entries) {
  std::string out;
  for (const std::string& entry : entries) out += (out.empty() ? "" : ",") + entry;
  return R"("managedFields":[)" + out + "]";
}

std::string text(const yaml::Value& value) {
  std::string out;
  yaml::write_json(out, value);
  return out;
}

std::optional<FieldsEntry> labels_entry(const yaml::Value& live) { return entry_with(live, {"f:metadata", "f:labels", "f:a"}); }

TEST(EntryWith, IsNoSubresources) {
  const LiveJson live(testing::kClusterKind, "main", "", fields({kStatus, kEdit, kHelms}));
  const auto entry = labels_entry(live.tree);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->index, 2u);
  EXPECT_EQ(entry->manager, "helm");
  EXPECT_FALSE(labels_entry(LiveJson(testing::kClusterKind, "main", "", fields({kStatus, kEdit})).tree));
  EXPECT_FALSE(labels_entry(LiveJson(testing::kClusterKind, "main", "").tree));
}

TEST(TakenOver, LeavesOthersAlone) {
  const LiveJson live(testing::kClusterKind, "main", "", fields({kStatus, kHelms, kEdit}));
  yaml::Arena arena(1024);
  std::string ours = kHelms;
  ours.replace(ours.find("\"helm\",\"operation\":\"Update\""), 27, "\"cnpg-dbm\",\"operation\":\"Apply\"");
  EXPECT_EQ(text(taken_over(arena, live.object, *labels_entry(live.tree))), "[" + kStatus + "," + ours + "," + kEdit + "]");
}

TEST(TakenOver, APasswordIsMadeAndNeverApplied) {
  const LiveJson live(testing::kSecretKind, "main-a-password", R"("type":"kubernetes.io/basic-auth")", fields({kHelms}));
  yaml::Arena arena(1024);
  EXPECT_EQ(text(taken_over(arena, live.object, *labels_entry(live.tree))),
            R"([{"manager":"cnpg-dbm","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:password":{}}}},)"
            R"({"manager":"cnpg-dbm","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:username":{}},"f:metadata":{"f:labels":{"f:a":{}}}}}])");
}

TEST(HandedToHelm, IsTheWayBack) {
  for (const auto& [kind, rest] : {std::pair(testing::kClusterKind, ""), std::pair(testing::kSecretKind, R"("type":"kubernetes.io/basic-auth")")}) {
    const LiveJson before(kind, "main", rest, fields({kEdit, kHelms}));
    yaml::Arena arena(1024);
    EXPECT_TRUE(handed_to_helm(arena, before.tree).is_null()) << "nothing of it is ours";
    EXPECT_FALSE(is_applied_by_us(before.tree));
    const LiveJson ours(kind, "main", rest, "\"managedFields\":" + text(taken_over(arena, before.object, *labels_entry(before.tree))));
    EXPECT_TRUE(is_applied_by_us(ours.tree));
    const std::string back = text(handed_to_helm(arena, ours.tree));
    EXPECT_EQ(back.find("cnpg-dbm"), back.npos) << back;
    EXPECT_NE(back.find("f:password"), back.npos) << back;
    EXPECT_NE(back.find("kubectl-edit"), back.npos) << back;
  }
}

}  // namespace
}  // namespace dbm::release
