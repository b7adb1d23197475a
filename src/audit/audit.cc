#include "audit/audit.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "audit/look.h"
#include "base/text.h"
#include "sql/look.h"

namespace dbm::audit {
namespace {

Result<sql::Connection> connect(sql::Target target) {
  if (target.options.empty()) target.options = sql::session_options();
  auto opened = sql::Connection::open(target);
  if (const auto* failure = std::get_if<sql::Failure>(&opened))
    return failure->as_error().about(
        fmt::format("cannot connect to {}:{} as {}", target.host, target.port, target.user));
  return std::get<sql::Connection>(std::move(opened));
}

Entrance front_door(const Targets& targets) {
  sql::Target door = targets.door.host.empty() ? targets.admin : targets.door;
  if (door.host.starts_with('/')) {  // a socket; tenants come over TCP
    door.host = "localhost";
    door.hostaddr = "127.0.0.1";
  }
  door.application_name = targets.admin.application_name;
  return {{}, std::move(door)};
}

/// Takes the outcomes of direct logins over into the cells.
void mark(Matrix& matrix, const std::vector<Attempt>& attempts) {
  for (const Attempt& attempt : attempts) {
    if (attempt.entrance != 0) continue;
    const auto row = std::ranges::lower_bound(matrix.roles, attempt.role);
    Cell& cell = matrix.at(static_cast<size_t>(row - matrix.roles.begin()), attempt.database);
    cell.attempted = true;
    cell.entered = attempt.outcome == Outcome::kEntered;
  }
}

Expectations with_own_role(const Expectations& given, const std::string& user) {
  Expectations out = given;
  out.service_roles.push_back(user);
  return out;
}

std::string_view word(Privilege privilege) {
  if (privilege == Privilege::kConnect) return "CONNECT";
  return privilege == Privilege::kTemporary ? "TEMPORARY" : "CREATE";
}

void revoke(sql::Connection& connection, const Server& server, const Memberships& memberships,
            const Grant& grant, std::vector<Fixed>& out) {
  const auto database = std::ranges::find(server.databases, grant.database, &Database::oid);
  const auto grantor = memberships.find(grant.grantor), grantee = memberships.find(grant.grantee);
  if (!grantor || (!grantee && grant.grantee != kPublic)) return;
  const auto left = connection.run(
      {"SELECT FROM pg_catalog.pg_database d, pg_catalog.aclexplode(coalesce(d.datacl, "
       "pg_catalog.acldefault('d', d.datdba))) a WHERE d.oid = $1 AND a.grantee = $2 "
       "AND a.grantor = $3 AND a.privilege_type = $4",
       {std::to_string(grant.database), std::to_string(grant.grantee),
        std::to_string(grant.grantor), std::string(word(grant.privilege))}});
  if (left && left->size() == 0) return;  // gone with an earlier one that it hung on
  const std::string whom =
      grantee ? connection.identifier(server.roles[*grantee].name) : std::string("PUBLIC");
  const std::string text = fmt::format("REVOKE {} ON DATABASE {} FROM {}", word(grant.privilege),
                                       connection.identifier(database->name), whom);
  // A grant is taken back by who gave it.
  const sql::Statement statements[] = {
      {"SET LOCAL ROLE " + connection.identifier(server.roles[*grantor].name)},
      {text + " CASCADE"}};
  Fixed& fixed = out.emplace_back(Fixed{printable(text, 200), {}});
  for (const sql::Answer& answer : connection.run_together(statements))
    if (!answer) fixed.failure = answer.failure().message;
}

void end(sql::Connection& connection, const Server& server, const Memberships& memberships,
         const Session& session, std::vector<Fixed>& out) {
  const auto role = memberships.find(session.role);
  const auto database = std::ranges::find(server.databases, session.database, &Database::oid);
  // Only if it is still the same session; waits for its end.
  const auto answer = connection.run(
      {fmt::format("SELECT pg_terminate_backend(pid{}) FROM pg_catalog.pg_stat_activity "
                   "WHERE pid = $1 AND usesysid = $2 AND datid = $3",
                   server.major() >= 14 ? ", 5000" : ""),
       {std::to_string(session.pid), std::to_string(session.role),
        std::to_string(session.database)}});
  Fixed& fixed = out.emplace_back(
      Fixed{fmt::format("ended the session of {} in {} (pid {})",
                        printable(server.roles[*role].name), printable(database->name), session.pid),
            {}});
  if (!answer)
    fixed.failure = answer.failure().message;
  else if (answer->size() == 1 && !answer->flag(0, 0))
    fixed.failure = "it does not end";
}

}  // namespace

bool Audit::good() const {
  return std::ranges::none_of(findings, [](const Finding& finding) { return finding.error; });
}

Result<Audit> run(const sql::Desired& desired, const Targets& targets, const Options& options) {
  auto connection = connect(targets.admin);
  if (!connection) return std::move(connection).error();
  auto server = look(*connection);
  if (!server) return std::move(server).error();

  Audit out;
  out.cluster = desired.cluster;
  out.server = std::move(*server);
  out.entrances.push_back(front_door(targets));
  out.entrances.insert(out.entrances.end(), targets.poolers.begin(), targets.poolers.end());
  if (options.inside) look_inside(out.server, targets.admin, options.connections);

  const Memberships memberships(out.server);
  const Expectations expectations = with_own_role(options.expectations, out.server.user);
  const Expected expected(out.server, desired, memberships, expectations);
  const Hba hba(out.server, memberships);
  out.matrix = make_matrix(out.server, expected, hba,
                           ConnectPrivileges(out.server, memberships), desired.isolated);
  out.attempts =
      choose_attempts(out.server, options.attempts, out.entrances.size(),
                      expectations.service_roles, [&](uint32_t role, uint32_t database) {
                        return expected.must_enter(role, database);
                      });
  run_attempts(out.server, out.entrances, targets.password, options.attempt, out.attempts);
  mark(out.matrix, out.attempts);
  out.findings = find_all({out.server, desired, memberships, expected, hba, out.matrix,
                           out.entrances, out.attempts});
  return out;
}

Result<std::vector<Fixed>> fix(const Audit& audit, const sql::Desired& desired,
                               const Targets& targets, const Options& options) {
  std::vector<Fixed> out;
  if (!desired.isolated) return out;
  auto connection = connect(targets.admin);
  if (!connection) return std::move(connection).error();
  const Memberships memberships(audit.server);
  const Expected expected(audit.server, desired, memberships,
                          with_own_role(options.expectations, audit.server.user));
  for (const Grant& grant : surplus_grants(audit.server, memberships, expected))
    revoke(*connection, audit.server, memberships, grant, out);
  for (const Session& session : stray_sessions(audit.server, memberships, expected))
    end(*connection, audit.server, memberships, session, out);
  return out;
}

}  // namespace dbm::audit
