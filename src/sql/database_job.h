#pragma once

// One database made what it should be: from outside on a connection that is there, then inside.

#include <optional>
#include <string>

#include "sql/steps.h"

namespace dbm::sql {

struct DatabaseJob {
  const Database* database = nullptr;
  DatabasePlan plan;
  bool inside = false;  // what is inside must be looked at
  uint32_t oid = 0;     // 0: not yet made
};

struct DatabaseOutcome {
  Outcome outcome;
  uint32_t oid = 0;
  bool inside_is_right = false;  // known now
};

/// What jobs share; read-only, any thread.
struct JobContext {
  Target target;  // of the superuser, with the session's options
  bool isolated = true;
  int major = 0;
  const Names* roles = nullptr;           // those that exist
  const InsideLook* template1 = nullptr;  // null: not looked at
};

DatabaseOutcome run_job(Connection& shared, const DatabaseJob& job, const JobContext& context);

/// Looks into the database that `connection` is in.
std::variant<InsideLook, Failure> look_inside(Connection& connection, bool objects);

}  // namespace dbm::sql
