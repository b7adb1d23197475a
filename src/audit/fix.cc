// audit --fix: what is granted too much, and sessions that should not be.

#include <fmt/format.h>

#include <algorithm>

#include "audit/audit.h"
#include "audit/parts.h"
#include "audit/privileges.h"
#include "base/text.h"

namespace dbm::audit {
namespace {

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
  Fixed& fixed = out.emplace_back(Fixed{
      fmt::format("ended the session of {} in {} (pid {})", printable(server.roles[*role].name),
                  printable(database->name), session.pid),
      {}});
  if (!answer)
    fixed.failure = answer.failure().message;
  else if (answer->size() == 1 && !answer->flag(0, 0))
    fixed.failure = "it does not end";
}

/// Who is to enter and could only by PUBLIC gets a grant of his own, before PUBLIC loses it.
void keep_in(sql::Connection& connection, const Server& server, const Memberships& memberships,
             const Expected& expected, std::vector<Fixed>& out) {
  Server without = server;
  std::erase_if(without.grants, [](const Grant& grant) { return grant.grantee == kPublic; });
  const ConnectPrivileges now(server, memberships), then(without, memberships);
  for (uint32_t d = 0; d < server.databases.size(); ++d)
    for (uint32_t role = 0; role < server.roles.size(); ++role) {
      if (!expected.must_enter(role, d) || !now.may_connect(role, d) || then.may_connect(role, d))
        continue;
      const std::string text = fmt::format("GRANT CONNECT ON DATABASE {} TO {}",
                                           connection.identifier(server.databases[d].name),
                                           connection.identifier(server.roles[role].name));
      const auto answer = connection.run(text);
      out.push_back({printable(text, 200), answer ? "" : answer.failure().message});
    }
}

}  // namespace

Result<std::vector<Fixed>> fix(const Audit& audit, const sql::Desired& desired,
                               const Targets& targets, const Options& options) {
  std::vector<Fixed> out;
  if (!desired.isolated) return out;
  auto connection = connect(targets.admin);
  if (!connection) return std::move(connection).error();
  const Memberships memberships(audit.server);
  const Expected expected(audit.server, desired, memberships,
                          with_own_role(options.expectations, audit.server.user));
  keep_in(*connection, audit.server, memberships, expected, out);
  for (const Grant& grant : surplus_grants(audit.server, memberships, expected))
    revoke(*connection, audit.server, memberships, grant, out);
  for (const Session& session : stray_sessions(audit.server, memberships, expected))
    end(*connection, audit.server, memberships, session, out);
  return out;
}

}  // namespace dbm::audit
