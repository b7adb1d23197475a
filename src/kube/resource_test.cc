#include "kube/resource.h"

#include <gtest/gtest.h>

namespace dbm::kube {
namespace {

TEST(Resource, Names) {
  const Resource database = well_known("postgresql.cnpg.io/v1", "Database").value();
  EXPECT_EQ(database.api_version(), "postgresql.cnpg.io/v1");
  EXPECT_EQ(database.name(), "databases.postgresql.cnpg.io");
  EXPECT_EQ(database.group_kind(), "Database.postgresql.cnpg.io");
  const Resource secret = well_known("v1", "Secret").value();
  EXPECT_EQ(secret.api_version(), "v1");
  EXPECT_EQ(secret.name(), "secrets");
  EXPECT_EQ(secret.group_kind(), "Secret");
}

TEST(Resource, AreKnownByGroupVersionAndKind) {
  EXPECT_EQ(well_known("v1", "Database"), std::nullopt);
  EXPECT_EQ(well_known("postgresql.cnpg.io/v2", "Database"), std::nullopt);
  EXPECT_EQ(well_known_group_kind("Database.postgresql.cnpg.io"), well_known("postgresql.cnpg.io/v1", "Database"));
  EXPECT_EQ(well_known_group_kind("Secret"), well_known("v1", "Secret"));
  EXPECT_EQ(well_known_group_kind("Database"), std::nullopt);
  EXPECT_EQ(well_known_group_kind(""), std::nullopt);
  EXPECT_EQ(split_api_version("v1"), (std::pair<std::string_view, std::string_view>("", "v1")));
  EXPECT_EQ(split_api_version("apps/v1"), (std::pair<std::string_view, std::string_view>("apps", "v1")));
}

TEST(Resource, Paths) {
  const Resource database = well_known("postgresql.cnpg.io/v1", "Database").value();
  const Resource secret = well_known("v1", "Secret").value();
  const Resource ns = well_known("v1", "Namespace").value();
  EXPECT_EQ(path_of(database, "shop", "orders"), "/apis/postgresql.cnpg.io/v1/namespaces/shop/databases/orders");
  EXPECT_EQ(path_of(database, "shop", "orders", "status"), "/apis/postgresql.cnpg.io/v1/namespaces/shop/databases/orders/status");
  EXPECT_EQ(path_of(secret, "shop"), "/api/v1/namespaces/shop/secrets");
  EXPECT_EQ(path_of(secret, ""), "/api/v1/secrets") << "of every namespace";
  EXPECT_EQ(path_of(ns, "shop", "crm"), "/api/v1/namespaces/crm") << "a kind without namespaces";
  EXPECT_EQ(path_of(secret, "../x", "a/b?c"), "/api/v1/namespaces/..%2Fx/secrets/a%2Fb%3Fc");
}

TEST(Query, IsEncoded) {
  EXPECT_EQ(Query().text(), "");
  EXPECT_EQ(Query().add("labelSelector", "a=b,c").add("limit", "5").text(), "?labelSelector=a%3Db%2Cc&limit=5");
  EXPECT_EQ(Query().add("continue", "a&b=c#d e").text(), "?continue=a%26b%3Dc%23d%20e");
}

}  // namespace
}  // namespace dbm::kube
