#include "sql/own_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbm::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(OwnSchema, IsMadeOnceAndAnewWhenItsStatementsChange) {
  const std::vector<std::string> old = {"first"}, now = {"second"};
  const auto made = own_schema_changes(std::nullopt, old);
  EXPECT_THAT(made, ElementsAre("CREATE SCHEMA cnpg_dbm", "first", StartsWith("COMMENT ON SCHEMA cnpg_dbm IS '")));
  const std::string mark = made[2].substr(made[2].find('\'') + 1, made[2].rfind('\'') - made[2].find('\'') - 1);
  const OwnSchemaLook look{{}, mark};
  EXPECT_THAT(own_schema_changes(look, old), IsEmpty());
  EXPECT_THAT(own_schema_changes(look, now), ElementsAre("second", StartsWith("COMMENT ON SCHEMA")));
  EXPECT_THAT(own_schema_changes(OwnSchemaLook{}, old), ElementsAre("first", made[2]));  // made before marks were
  EXPECT_THAT(own_schema_changes(std::nullopt, {}), IsEmpty());
}

TEST(OwnSchema, OfAStrangerIsRefusedAndLeftAlone) {
  const OwnSchemaLook look{"mallory", {}};
  EXPECT_THAT(own_schema_changes(look, std::vector<std::string>{"first"}), IsEmpty());
  const auto refusal = own_schema_refusal(look, "shop");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message, HasSubstr("schema cnpg_dbm of database shop"));
  EXPECT_THAT(refusal->message, HasSubstr("belongs to mallory"));
  EXPECT_THAT(refusal->hint, HasSubstr("ALTER SCHEMA cnpg_dbm RENAME"));
  EXPECT_FALSE(own_schema_refusal(OwnSchemaLook{}, "shop"));
  EXPECT_FALSE(own_schema_refusal(std::nullopt, "shop"));
}

}  // namespace
}  // namespace dbm::sql
