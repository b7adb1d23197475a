#include "audit/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "audit/look.h"
#include "audit/parts.h"
#include "base/text.h"
#include "sql/look.h"

namespace dbm::audit {
namespace {

Entrance front_door(const Targets& targets) {
  sql::Target door = targets.door.host.empty() ? targets.admin : targets.door;
  if (door.host.starts_with('/')) {  // a socket; tenants come over TCP
    door.host = "localhost";
    door.hostaddr = "127.0.0.1";
  }
  door.application_name = targets.admin.application_name;
  return {{}, std::move(door), false};
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

}  // namespace

Result<sql::Connection> connect(sql::Target target) {
  if (target.options.empty()) target.options = sql::session_options();
  auto opened = sql::Connection::open(target);
  if (const auto* failure = std::get_if<sql::Failure>(&opened))
    return failure->as_error().about(
        fmt::format("cannot connect to {}:{} as {}", target.host, target.port, target.user));
  return std::get<sql::Connection>(std::move(opened));
}

Expectations with_own_role(const Expectations& given, const std::string& user) {
  Expectations out = given;
  out.service_roles.push_back(user);
  return out;
}

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
  out.entrances.insert(out.entrances.end(), targets.others.begin(), targets.others.end());
  if (options.inside) look_inside(out.server, targets.admin, options.connections);

  const Memberships memberships(out.server);
  const Expectations expectations = with_own_role(options.expectations, out.server.user);
  const Expected expected(out.server, desired, memberships, expectations);
  const Hba hba(out.server, memberships);
  out.matrix = make_matrix(out.server, expected, hba, ConnectPrivileges(out.server, memberships),
                           desired.isolated);
  out.attempts = choose_attempts(
      out.server, options.attempts, out.entrances.size(), expectations.service_roles,
      [&](uint32_t role, uint32_t database) { return expected.must_enter(role, database); });
  run_attempts(out.server, out.entrances, targets.password, options.attempt, out.attempts);
  mark(out.matrix, out.attempts);
  out.findings = find_all(
      {out.server, desired, memberships, expected, hba, out.matrix, out.entrances, out.attempts});
  return out;
}

}  // namespace dbm::audit
