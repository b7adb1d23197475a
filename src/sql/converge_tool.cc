// converge_tool FOLDER PORT COUNT CONNECTIONS: makes COUNT tenants on the server whose socket is in
// FOLDER, then looks at them again; prints the milliseconds of both. For bench/sql_create.py.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "secrets/scram.h"
#include "sql/converge.h"

namespace {

using dbm::sql::Converged;

dbm::sql::Desired tenants(int count) {
  dbm::sql::Desired out;
  for (int i = 0; i < count; ++i) {
    const std::string name = fmt::format("tenant-{}", i);
    dbm::sql::Role role;
    role.name = name;
    role.login = role.has_password = role.tenant = true;
    out.roles.push_back(role);
    dbm::sql::Database db;
    db.name = db.owner = name;
    db.entrants = {name};
    out.databases.push_back(db);
  }
  std::ranges::sort(out.roles, {}, &dbm::sql::Role::name);
  return out;
}

/// The milliseconds it took; ends the program when anything failed.
double measure(const dbm::sql::Desired& desired, const dbm::sql::VerifierOf& verifier,
               const dbm::sql::ConvergeOptions& options, Converged& out) {
  const auto start = std::chrono::steady_clock::now();
  auto converged = dbm::sql::converge(desired, verifier, options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  if (!converged) {
    fmt::print(stderr, "{}\n", converged.error().message);
    std::exit(1);
  }
  for (const auto& failed : converged->failed)
    fmt::print(stderr, "{}: {}\n", failed.object, failed.message);
  if (!converged->failed.empty()) std::exit(1);
  out = std::move(converged).value();
  return took.count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const dbm::sql::Desired desired = tenants(std::atoi(argv[3]));
  const dbm::secrets::Secret verifier(dbm::secrets::scram_verifier("not a secret: a benchmark"));
  const auto verifier_of = [&](std::string_view) { return &verifier; };
  dbm::sql::ConvergeOptions options{
      .admin = {.host = argv[1], .port = std::atoi(argv[2]), .user = "postgres"},
      .connections = static_cast<unsigned>(std::atoi(argv[4]))};
  Converged first, second;
  const double made = measure(desired, verifier_of, options, first);
  options.known = first.known;
  const double again = measure(desired, verifier_of, options, second);
  fmt::print("{:.0f} {:.1f} {}\n", made, again, second.done.size());
  return 0;
}
