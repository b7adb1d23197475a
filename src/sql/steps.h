#pragma once

// Runs the steps of a plan and keeps what came of them.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "sql/plan.h"

namespace dbm::sql {

struct Outcome {
  std::vector<Done> done;
  std::vector<Failed> failed;
  void add(Outcome&& other);
};

/// Each step alone, in one stream; the messages of those that failed, by object. Of one object only
/// the first failure is told: the others come of it.
std::map<std::string, std::string> run_alone(Connection& connection, std::span<const Step> steps,
                                             Outcome& outcome);

/// All or nothing; true when all were done.
bool run_as_one(Connection& connection, std::span<const Step> steps, Outcome& outcome);

}  // namespace dbm::sql
