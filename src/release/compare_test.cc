// compare: what the server adds by itself is no difference, what the file takes back is one.

#include "release/compare.h"

#include <gtest/gtest.h>

#include "kube/json.h"

namespace dbm::release {
namespace {

/// Of `.spec` as applied and as it is now; `owned` is fieldsV1 of `.spec`.
bool spec_differs(const std::string& desired, const std::string& live, const std::string& owned) {
  yaml::Arena arena(4096);
  const std::string want = R"({"apiVersion":"v1","kind":"Cluster","metadata":{"name":"a"},"spec":)" + desired + "}";
  const std::string have = R"({"apiVersion":"v1","kind":"Cluster","metadata":{"name":"a","managedFields":[{"manager":"cnpg-dbm",)"
                           R"("operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:spec":)" +
                           owned + R"(}}]},"spec":)" + live + "}";
  const auto a = kube::read_json(arena, want), b = kube::read_json(arena, have);
  EXPECT_TRUE(a && b);
  return differs(*a, *b, "cnpg-dbm");
}

constexpr const char* kRoles = R"({"f:managed":{"f:roles":{}}})";

TEST(Compare, DefaultsInsideAListThatIsOneValue) {
  const char* desired = R"({"managed":{"roles":[{"name":"a","login":true}]}})";
  EXPECT_FALSE(spec_differs(
      desired, R"({"managed":{"roles":[{"name":"a","login":true,"connectionLimit":-1,"ensure":"present","inherit":true}]}})", kRoles));
  EXPECT_TRUE(spec_differs(desired, R"({"managed":{"roles":[{"name":"a","login":true,"superuser":true}]}})", kRoles))
      << "a key that was taken out of the file";
  EXPECT_TRUE(spec_differs(desired, R"({"managed":{"roles":[{"name":"a","login":true,"connectionLimit":5}]}})", kRoles));
  EXPECT_TRUE(spec_differs(desired, R"({"managed":{"roles":[{"name":"a","login":true,"ensure":"absent"}]}})", kRoles));
  EXPECT_TRUE(spec_differs(desired, R"({"managed":{"roles":[{"name":"a"}]}})", kRoles));
  EXPECT_TRUE(spec_differs(desired, R"({"managed":{"roles":[{"name":"a","login":true},{"name":"b"}]}})", kRoles));
}

TEST(Compare, DefaultsOfOneListAreNotThoseOfAnother) {
  EXPECT_TRUE(spec_differs(R"({"other":[{"name":"a"}]})", R"({"other":[{"name":"a","inherit":true}]})", R"({"f:other":{}})"));
}

TEST(Compare, QuantitiesInOtherWords) {
  const char* owned = R"({"f:requests":{"f:cpu":{},"f:memory":{}}})";
  EXPECT_FALSE(spec_differs(R"({"requests":{"cpu":"4000m","memory":"1024Mi"}})", R"({"requests":{"cpu":"4","memory":"1Gi"}})", owned));
  EXPECT_FALSE(spec_differs(R"({"requests":{"cpu":"2000m","memory":"1Gi"}})", R"({"requests":{"cpu":"2","memory":"1Gi"}})", owned));
  EXPECT_TRUE(spec_differs(R"({"requests":{"cpu":"2001m","memory":"1Gi"}})", R"({"requests":{"cpu":"2","memory":"1Gi"}})", owned));
}

}  // namespace
}  // namespace dbm::release
