#include "cnpg/crd_table.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnpg/regex.h"

namespace dbm::cnpg {
namespace {

TEST(CrdTable, FindsTypesByPath) {
  EXPECT_EQ(find("Cluster.spec.instances")->kind, Kind::kInteger);
  EXPECT_EQ(find("Cluster.spec.managed.roles[].name")->kind, Kind::kString);
  EXPECT_EQ(find("Cluster.spec.postgresql.parameters")->kind, Kind::kMap);
  EXPECT_EQ(find("Pooler.spec.pgbouncer.poolMode")->kind, Kind::kString);
  EXPECT_EQ(find("Cluster.spec.nonsense"), nullptr);
  EXPECT_EQ(find("Nothing.spec"), nullptr);
}

TEST(CrdTable, KnowsVersions) {
  const Type& spec = *find("Cluster.spec");
  EXPECT_EQ(since(spec, "instances"), Version::k1_25);
  EXPECT_EQ(since(spec, "podSelectorRefs"), Version::k1_29);
  EXPECT_EQ(until(spec, "instances"), kLatest);
  EXPECT_FALSE(exists("Cluster.spec.podSelectorRefs", Version::k1_28));
  EXPECT_TRUE(exists("Database.spec.extensions", Version::k1_26));
  EXPECT_FALSE(exists("Database.spec.extensions", Version::k1_25));
}

TEST(CrdTable, ParsesVersions) {
  for (const char* text : {"1.27", "v1.27", "1.27.3"})
    EXPECT_EQ(parse_version(text), Version::k1_27) << text;
  for (const char* text : {"", "1", "1.24", "1.31", "1.27x", "2.27", "latest"})
    EXPECT_EQ(parse_version(text), std::nullopt) << text;
  EXPECT_EQ(to_string(Version::k1_30), "1.30");
}

TEST(CrdTable, KnowsLimits) {
  EXPECT_THAT(enum_values(*find("Pooler.spec.pgbouncer.poolMode")),
              ::testing::UnorderedElementsAre("session", "transaction"));
  EXPECT_EQ(find("Cluster.spec.instances")->minimum, 1);
  EXPECT_TRUE(find_field(*find("Database.spec"), "owner", kLatest)->required);
  EXPECT_NE(find("Database.spec.name")->flags & kImmutable, 0);
}

/// Every type that can be reached holds what it says it holds.
void walk(const Type& type, std::set<const Type*>& seen) {
  if (!seen.insert(&type).second) return;
  for (const std::string_view text : enum_values(type)) EXPECT_NE(text.data(), nullptr);
  EXPECT_EQ(regex_mistake(type.pattern), std::nullopt) << type.pattern;
  EXPECT_LE(type.minimum, type.maximum);
  if (type.kind == Kind::kList || type.kind == Kind::kMap) walk(element(type), seen);
  if (type.kind != Kind::kObject) return;
  for (const Field& field : fields(type)) {
    EXPECT_FALSE(field.name.empty());
    EXPECT_NE(field.versions, 0) << field.name;
    EXPECT_NE(find_field(type, field.name), nullptr);
    walk(type_of(field), seen);
  }
}

TEST(CrdTable, IsWholeAsFarAsItReaches) {
  std::set<const Type*> seen;
  for (const char* kind : {"Cluster", "Database", "Pooler", "ScheduledBackup", "Backup", "ImageCatalog",
                           "ClusterImageCatalog", "Publication", "Subscription", "ObjectStore"}) {
    const Type* spec = find(std::string(kind) + ".spec");
    ASSERT_NE(spec, nullptr) << kind;
    walk(*spec, seen);
  }
  EXPECT_GT(seen.size(), 300u);
}

}  // namespace
}  // namespace dbm::cnpg
