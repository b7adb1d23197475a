#include "audit/attempt.h"

#include <gtest/gtest.h>

namespace dbm::audit {
namespace {

TEST(OutcomeOf, OnlyTheLackOfARefusalIsAnEntry) {
  EXPECT_EQ(outcome_of(std::nullopt, false, true), Outcome::kEntered);
  EXPECT_EQ(outcome_of(std::nullopt, true, false), Outcome::kEntered);
  // As when a connection ends without a word.
  EXPECT_EQ(outcome_of(sql::Failure{}, false, true), Outcome::kNoAnswer);
  EXPECT_EQ(outcome_of(sql::Failure{}, true, true), Outcome::kNoAnswer);
  EXPECT_EQ(outcome_of(sql::Failure{{}, "28000", {}}, false, true), Outcome::kRefused);
}

TEST(OutcomeOf, TellsRefusalsApart) {
  const auto of = [](std::string message, std::string sqlstate, bool is_pooler, bool knows) {
    return outcome_of(sql::Failure{std::move(message), std::move(sqlstate), {}}, is_pooler, knows);
  };
  EXPECT_EQ(of("password authentication failed", "28P01", false, true), Outcome::kRefusedPassword);
  EXPECT_EQ(of("password authentication failed", "28P01", false, false), Outcome::kAskedForPassword);
  EXPECT_EQ(of("no pg_hba.conf entry", "28000", false, true), Outcome::kRefusedByHba);
  EXPECT_EQ(of("permission denied for database", "42501", false, true), Outcome::kNoPrivilege);
  EXPECT_EQ(of("no such user", "08P01", true, true), Outcome::kRefusedByPooler);
  EXPECT_EQ(of("server login failed: password authentication failed", "08P01", true, true),
            Outcome::kRefusedByPooler);
}

}  // namespace
}  // namespace dbm::audit
