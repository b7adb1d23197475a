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

std::string_view manager_of_label(const yaml::Value& live) {
  return manager_of_field(live, {"f:metadata", "f:labels", "f:a"});
}

/// The same entry by another manager, or operation.
std::string as(std::string entry, std::string_view manager, std::string_view operation) {
  const std::string_view before = R"("helm","operation":"Update")";
  return entry.replace(entry.find(before), before.size(), fmt::format(R"("{}","operation":"{}")", manager, operation));
}

TEST(ManagerOfField, IsNoSubresources) {
  const LiveJson live(testing::kClusterKind, "main", "", fields({kStatus, kEdit, kHelms}));
  EXPECT_EQ(manager_of_label(live.tree), "helm");
  EXPECT_EQ(manager_of_label(LiveJson(testing::kClusterKind, "main", "", fields({kStatus, kEdit})).tree), "");
  EXPECT_EQ(manager_of_label(LiveJson(testing::kClusterKind, "main", "").tree), "");
}

TEST(TakenOver, LeavesOthersAlone) {
  const LiveJson live(testing::kClusterKind, "main", "", fields({kStatus, kHelms, kEdit}));
  yaml::Arena arena(1024);
  EXPECT_EQ(text(taken_over(arena, live.object, "helm")),
            "[" + kStatus + "," + as(kHelms, "cnpg-dbm", "Apply") + "," + kEdit + "]");
  EXPECT_EQ(text(taken_over(arena, live.object, "kubectl-edit")),
            "[" + kStatus + R"(,{"manager":"cnpg-dbm","operation":"Apply","fieldsV1":)"
            R"({"f:data":{"f:password":{},"f:username":{}},"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{}}}])");
}

TEST(TakenOver, IsAllThatHelmHasByEitherOperation) {
  const std::string applied =
      R"({"manager":"helm","operation":"Apply","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:b":{}}}}})";
  const LiveJson live(testing::kClusterKind, "main", "", fields({applied, kHelms}));
  yaml::Arena arena(1024);
  EXPECT_EQ(text(taken_over(arena, live.object, "helm")),
            R"([{"manager":"cnpg-dbm","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":)"
            R"({"f:metadata":{"f:labels":{".":{},"f:b":{},"f:a":{}}},"f:data":{"f:password":{},"f:username":{}}}}])");
  const LiveJson ours(testing::kClusterKind, "main", "", fields({as(kHelms, "cnpg-dbm", "Apply"), kEdit}));
  EXPECT_TRUE(taken_over(arena, ours.object, "cnpg-dbm").is_null()) << "it was, before an interruption";
  EXPECT_TRUE(taken_over(arena, LiveJson(testing::kClusterKind, "main", "").object, "").is_null());
}

TEST(TakenOver, APasswordIsMadeAndNeverApplied) {
  const LiveJson live(testing::kSecretKind, "main-a-password", R"("type":"kubernetes.io/basic-auth")", fields({kHelms}));
  yaml::Arena arena(1024);
  EXPECT_EQ(text(taken_over(arena, live.object, "helm")),
            R"([{"manager":"cnpg-dbm","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:password":{}}}},)"
            R"({"manager":"cnpg-dbm","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:username":{}},"f:metadata":{"f:labels":{"f:a":{}}}}}])");
}

TEST(HandedToHelm, IsTheWayBack) {
  const auto methods = {std::pair(ApplyMethod::kClientSide, "Update"), std::pair(ApplyMethod::kServerSide, "Apply")};
  const auto kinds = {std::pair(testing::kClusterKind, ""),
                      std::pair(testing::kSecretKind, R"("type":"kubernetes.io/basic-auth")")};
  for (const auto& [method, operation] : methods)
    for (const auto& [kind, rest] : kinds) {
      const LiveJson before(kind, "main", rest, fields({kEdit, as(kHelms, "helm", operation)}));
      yaml::Arena arena(1024);
      EXPECT_TRUE(handed_to_helm(arena, before.tree, method).is_null()) << "nothing of it is ours";
      EXPECT_FALSE(has_fields_of_ours(before.tree));
      const LiveJson ours(kind, "main", rest, "\"managedFields\":" + text(taken_over(arena, before.object, "helm")));
      EXPECT_TRUE(has_fields_of_ours(ours.tree));
      const LiveJson back(kind, "main", rest, "\"managedFields\":" + text(handed_to_helm(arena, ours.tree, method)));
      EXPECT_TRUE(yaml::equal(*back.tree.find("metadata"), *before.tree.find("metadata"))) << text(back.tree);
    }
}

/// The server keeps one entry for a manager and an operation: of two the fields of one would be nobody's.
TEST(HandedToHelm, IsOneEntry) {
  const std::string marks =
      R"({"manager":"helm","operation":"Update","fieldsV1":{"f:metadata":{"f:labels":{"f:marks":{}}}}})";
  const std::string made = R"({"manager":"cnpg-dbm","operation":"Update","fieldsV1":{"f:data":{"f:password":{}}}})";
  const std::string applied = R"({"manager":"cnpg-dbm","operation":"Apply","fieldsV1":{"f:data":{"f:username":{}}}})";
  const LiveJson live(testing::kSecretKind, "main-a-password", "", fields({made, kStatus, marks, applied}));
  yaml::Arena arena(1024);
  EXPECT_EQ(text(handed_to_helm(arena, live.tree, ApplyMethod::kServerSide)),
            R"([{"manager":"helm","operation":"Apply","fieldsV1":{"f:data":{"f:password":{},"f:username":{}},)"
            R"("f:metadata":{"f:labels":{"f:marks":{}}}}},)" + kStatus + "]");
}

}  // namespace
}  // namespace dbm::release
