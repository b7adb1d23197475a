#include "release/references.h"

#include "release/testing.h"

namespace dbm::release {
namespace {

/// "field: name (keys) of user", one line each.
std::string references(std::string_view kind, std::string_view spec) {
  const testing::Json object(testing::object_json(kind, "x", fmt::format(R"("spec":{})", spec)));
  std::string out;
  for (const SecretReference& each : secret_references(object.tree))
    out += fmt::format("{}{}: {} ({}){}", out.empty() ? "" : "\n", each.field, each.name, fmt::join(each.keys, " "),
                       each.user.empty() ? "" : " of " + each.user);
  return out;
}

TEST(References, OfAClustersRoles) {
  EXPECT_EQ(references(testing::kClusterKind, R"({"superuserSecret":{"name":"su"},"bootstrap":{"initdb":{"secret":{"name":"app"}}},
      "managed":{"roles":[{"name":"a","passwordSecret":{"name":"a-password"}},{"name":"b"},
                          {"name":"gone","ensure":"absent","passwordSecret":{"name":"gone"}}]}})"),
            "spec.superuserSecret: su (username password)\n"
            "spec.bootstrap.initdb.secret: app (username password)\n"
            "spec.managed.roles[name=a].passwordSecret: a-password (username password) of a");
}

TEST(References, OfStores) {
  const std::string_view store = R"({"s3Credentials":{"accessKeyId":{"name":"s3","key":"id"},"secretAccessKey":{"name":"s3","key":"secret"},
      "inheritFromIAMRole":false},"endpointCA":{"name":"ca","key":"ca.crt"}})";
  EXPECT_EQ(references(testing::kClusterKind, fmt::format(R"({{"backup":{{"barmanObjectStore":{}}}}})", store)),
            "spec.backup.barmanObjectStore.s3Credentials.accessKeyId: s3 (id)\n"
            "spec.backup.barmanObjectStore.s3Credentials.secretAccessKey: s3 (secret)\n"
            "spec.backup.barmanObjectStore.endpointCA: ca (ca.crt)");
  EXPECT_EQ(references("ObjectStore.barmancloud.cnpg.io", R"({"configuration":{"azureCredentials":{"storageKey":{"name":"az","key":"k"}}}})"),
            "spec.configuration.azureCredentials.storageKey: az (k)");
}

TEST(References, OfOtherServersAndCertificates) {
  EXPECT_EQ(references(testing::kClusterKind, R"({"externalClusters":[{"name":"old","password":{"name":"old","key":"password"}}],
      "certificates":{"serverTLSSecret":"tls","serverCASecret":"ca"}})"),
            "spec.externalClusters[name=old].password: old (password)\n"
            "spec.certificates.serverCASecret: ca ()\n"
            "spec.certificates.serverTLSSecret: tls ()");
}

TEST(References, OfPoolersAndOthers) {
  EXPECT_EQ(references(testing::kPoolerKind, R"({"pgbouncer":{"authQuerySecret":{"name":"auth"}}})"), "spec.pgbouncer.authQuerySecret: auth ()");
  EXPECT_EQ(references(testing::kPoolerKind, "{}"), "");
  EXPECT_EQ(references(testing::kDatabaseKind, R"({"superuserSecret":{"name":"su"}})"), "");
  EXPECT_EQ(references(testing::kClusterKind, "{}"), "");
}

}  // namespace
}  // namespace dbm::release
