#include "sql/database_job.h"

#include <algorithm>

namespace dbm::sql {
namespace {

bool own_schema_is_wanted(const Database& db) { return !db.own_schema.empty(); }

/// True when a fresh copy of template1 is already all that is wanted inside.
bool is_right_as_copied(const DatabaseJob& job, const JobContext& context, const Quote& quote) {
  if (!job.plan.creates || !job.plan.from_template1 || context.template1 == nullptr) return false;
  const InsideLook& look = *context.template1;
  return !(own_schema_is_wanted(*job.database) && own_schema_refusal(look.own_schema, job.database->name)) &&
         plan_own_schema(*job.database, look).empty() &&
         plan_objects(*job.database, look, context.major, quote).empty() &&
         plan_access(*job.database, context.isolated, look, *context.roles, quote).empty();
}

/// True when everything inside is right in the end.
bool run_inside(Connection& connection, const Database& db, const JobContext& context,
                Outcome& outcome) {
  const std::string object = database_object(db.name);
  const Quote quote = Quote::of(connection);
  const auto look_again = [&]() -> std::optional<InsideLook> {
    auto look = look_inside(connection, !db.users.empty());
    if (auto* seen = std::get_if<InsideLook>(&look)) return std::move(*seen);
    const Failure& failure = std::get<Failure>(look);
    outcome.failed.push_back({object, failure.message, failure.hint});
    return std::nullopt;
  };
  auto look = look_again();
  if (!look) return false;
  bool right = true;
  if (const auto refusal = own_schema_refusal(look->own_schema, db.name); refusal && own_schema_is_wanted(db)) {
    outcome.failed.push_back({object, refusal->message, refusal->hint});
    right = false;
  }
  if (const auto steps = plan_own_schema(db, *look); !steps.empty()) right = run_as_one(connection, steps, outcome);
  if (const auto steps = plan_objects(db, *look, context.major, quote); !steps.empty()) {
    right = run_alone(connection, steps, outcome).empty() && right;
    look = look_again();
    if (!look) return false;
  }
  return run_as_one(connection,
                    plan_access(db, context.isolated, *look, *context.roles, quote), outcome) &&
         right;
}

}  // namespace

std::variant<InsideLook, Failure> look_inside(Connection& connection, bool objects) {
  return read_inside(connection.run_all(inside_statements(objects)));
}

DatabaseOutcome run_job(Connection& shared, const DatabaseJob& job, const JobContext& context) {
  const Database& db = *job.database;
  DatabaseOutcome out;
  out.oid = job.oid;
  out.outcome.failed = job.plan.failed;
  const bool users_are_there = std::ranges::all_of(
      db.users, [&](const User& user) { return context.roles->contains(user.name); });

  const auto failures = run_alone(shared, job.plan.steps, out.outcome);
  if (job.plan.drops || (job.plan.creates && !failures.empty() && !shared.is_open())) return out;
  if (job.plan.creates) {
    const Answer oid = shared.run(
        Statement{"SELECT oid FROM pg_database WHERE datname = $1", {{db.name}}});
    if (!oid || oid->size() == 0) return out;  // its failure is told
    out.oid = static_cast<uint32_t>(oid->integer(0, 0));
  }
  if (!job.inside) return out;
  if (is_right_as_copied(job, context, Quote::of(shared))) {
    out.inside_is_right = true;
    return out;
  }
  Target target = context.target;
  target.database = db.name;
  auto opened = Connection::open(target);
  if (const auto* failure = std::get_if<Failure>(&opened)) {
    out.outcome.failed.push_back({database_object(db.name), failure->message, failure->hint});
    return out;
  }
  out.inside_is_right =
      run_inside(std::get<Connection>(opened), db, context, out.outcome) && users_are_there;
  return out;
}

}  // namespace dbm::sql
