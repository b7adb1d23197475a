#include "spec/names.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "spec/roles.h"
#include "spec/stores.h"
#include "spec/testing.h"
#include "spec/wal_sizes.h"

namespace dbm::spec {
namespace {

using testing::cluster;
using testing::Loaded;

TEST(Names, FollowFromTheFile) {
  EXPECT_EQ(sanitize("My_App-1"), "my-app-1");
  EXPECT_EQ(database_object_name("main", "a_B"), "main-a-b");
  EXPECT_EQ(role_secret_name("main", "o_x"), "main-o-x-password");
  EXPECT_EQ(connection_secret_name("main", "db"), "main-db-app");
  EXPECT_EQ(user_secret_name("main", "db", "U_1"), "main-db-u-1");
  EXPECT_EQ(pooler_object_name("main", "rw"), "main-pooler-rw");
  EXPECT_EQ(backup_secret_name("main"), "main-backup-creds");
}

TEST(Names, OfKubernetes) {
  EXPECT_TRUE(is_dns_label("a-1"));
  EXPECT_TRUE(is_dns_label(std::string(63, 'a')));
  for (const std::string& bad : {std::string(), std::string("-a"), std::string("a-"), std::string("A"),
                                 std::string("a.b"), std::string("a_b"), std::string(64, 'a')})
    EXPECT_FALSE(is_dns_label(bad)) << bad;
  EXPECT_TRUE(is_dns_subdomain("a.b-c.d"));
  EXPECT_FALSE(is_dns_subdomain("a..b"));
  EXPECT_TRUE(is_label_value(""));
  EXPECT_TRUE(is_label_value("A_b.c-1"));
  EXPECT_FALSE(is_label_value("a b"));
  EXPECT_FALSE(is_label_value("-a"));
  EXPECT_TRUE(is_label_key("app.kubernetes.io/name"));
  EXPECT_TRUE(is_label_key("team"));
  for (const char* bad : {"", "/a", "a/", "A.b/c", "a b", "a/b/c"}) EXPECT_FALSE(is_label_key(bad)) << bad;
}

TEST(Names, SanitizedNamesStaySo) {
  EXPECT_TRUE(rc::check([](const std::string& name) {
    RC_ASSERT(sanitize(sanitize(name)) == sanitize(name));
    RC_ASSERT(sanitize(name).size() == name.size());
  }));
}

TEST(Roles, AreEachOnceAndSorted) {
  const Loaded f(cluster("    databases:\n    - {name: a, owner: z, users: [{name: m, access: read}]}\n"
                         "    - {name: b, owner: z}\n    - {name: c, owner: b, existingSecret: s}\n"
                         "    roles: {z: {connectionLimit: 5}, own: {login: true}, group: {inherit: true}}\n"));
  const auto roles = cluster_roles(f.values.clusters[0].value);
  std::string names;
  for (const ClusterRole& role : roles)
    names += std::string(role.name) + (role.tenant ? "+" : "") + (role.has_password ? "!" : "") + " ";
  EXPECT_EQ(names, "b+! group m+! own! z+! ");
  EXPECT_EQ(password_secret(f.values.clusters[0].value, *find_role(roles, "b")), "s");
  EXPECT_EQ(password_secret(f.values.clusters[0].value, *find_role(roles, "z")), "main-z-password");
  EXPECT_NE(find_role(roles, "z")->attributes, nullptr);
  EXPECT_EQ(find_role(roles, "nobody"), nullptr);
}

TEST(Stores, JoinBucketAndPath) {
  const auto path = [](const char* store) {
    const Loaded f(cluster("    backup: {enabled: true, " + std::string(store) + "}\n"));
    const auto found = object_store(f.values.clusters[0].value);
    return found ? found->destination_path : std::string("none");
  };
  EXPECT_EQ(path("s3: {bucket: b}"), "s3://b/main");
  EXPECT_EQ(path("s3: {bucket: b, path: /x//y/}"), "s3://b/x/y");
  EXPECT_EQ(path("s3: {bucket: /b/, path: x}"), "s3://b/x");
  EXPECT_EQ(path("gcs: {bucket: b, path: x}"), "gs://b/x");
  EXPECT_EQ(path("azure: {destinationPath: 'https://a/b'}"), "https://a/b");
  EXPECT_EQ(path("destinationPath: 's3://c/d', s3: {bucket: b}"), "s3://c/d");
  EXPECT_EQ(path("method: volumeSnapshot"), "none");
}

TEST(WalSizes, DefaultsGiveWayAndWishesDoNot) {
  const auto sizes = [](const char* body) {
    const Loaded f(cluster(body));
    const WalSizes s = wal_sizes(f.values.clusters[0].value);
    return std::string(s.min.data() != nullptr ? s.min : "-") + " " +
           std::string(s.max.data() != nullptr ? s.max : "-");
  };
  EXPECT_EQ(sizes(""), "1GB 4GB");
  EXPECT_EQ(sizes("    walStorage: {enabled: true, size: 10Gi}\n"), "1GB 4GB");
  EXPECT_EQ(sizes("    walStorage: {enabled: true, size: 4Gi}\n"), "- -") << "PostgreSQL's 1GB max";
  EXPECT_EQ(sizes("    walStorage: {enabled: true, size: 1Gi}\n"), "- -");
  EXPECT_EQ(sizes("    walStorage: {enabled: true, size: 1Gi}\n    maxWalSize: 4GB\n"), "- 4GB");
  EXPECT_EQ(sizes("    maxWalSize: 1GB\n"), "- 1GB");
  EXPECT_EQ(sizes("    parameters: {max_wal_size: 1GB}\n"), "- 4GB");
  EXPECT_EQ(sizes("    minWalSize: 1GB\n    maxWalSize: 1GB\n"), "1GB 1GB");
  EXPECT_EQ(sizes("    additionalClusterSpec: {walStorage: {size: 1Gi}}\n"), "- -");
}

}  // namespace
}  // namespace dbm::spec
