#include "cli/apply_report.h"

#include <gtest/gtest.h>

namespace dbm::cli {
namespace {

using release::Action;

TEST(Report, AnObjectCountsOnceOverRounds) {
  // Of five objects the first round made two and removed another; three were as they should be.
  Report report{{{"secret/a", Action::kCreate}, {"secret/b", Action::kCreate}, {"secret/old", Action::kPrune}}, 3};
  // The second writes b again, and one more.
  report.add({{{"secret/b", Action::kChange}, {"secret/c", Action::kChange}}, 3});
  EXPECT_EQ(report.count(Action::kCreate), 2u);
  EXPECT_EQ(report.count(Action::kChange), 1u);
  EXPECT_EQ(report.count(Action::kPrune), 1u);
  EXPECT_EQ(report.count(Action::kSame), 2u);
}

TEST(Report, WhatSomebodyElseMadeMeanwhileIsSame) {
  Report report{{{"secret/a", Action::kCreate}}, 0};  // and b was there already, when it should be made
  report.add({{{"cluster/main", Action::kCreate}}, 2});
  EXPECT_EQ(report.count(Action::kCreate), 2u);
  EXPECT_EQ(report.count(Action::kSame), 1u);
}

}  // namespace
}  // namespace dbm::cli
