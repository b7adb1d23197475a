// Findings about pg_hba.conf, roles, grants, sessions and the insides of databases.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit/findings.h"
#include "base/text.h"

namespace dbm::audit {
namespace {

using By = Memberships::By;

bool is_maintenance(const Database& database) {
  return database.name == "postgres" || database.name == "template1";
}

/// Roles of PostgreSQL's own that are as good as a key to every tenant, or to the machine.
constexpr std::string_view kKeys[] = {
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_signal_backend",
    "pg_create_subscription",
    "pg_use_reserved_connections",
    "pg_maintain",
    "pg_checkpoint",
    "pg_monitor",
    "pg_read_all_stats",
};
bool is_key(std::string_view name) { return std::ranges::find(kKeys, name) != std::end(kKeys); }

/// The file grants it, directly or by what it grants.
bool is_granted_by_file(const Evidence& e, uint32_t role, uint32_t target) {
  const sql::Role* wanted = e.expected.role(role);
  if (wanted == nullptr) return false;
  return std::ranges::any_of(wanted->in_roles, [&](const std::string& name) {
    const auto group = e.memberships.find(std::string_view(name));
    return group && e.memberships.is_member(*group, target, By::kAny);
  });
}

/// An attribute that reaches beyond a tenant's own databases.
void tell_attributes(const Evidence& e, uint32_t index, Findings& out) {
  const Role& role = e.server.roles[index];
  const sql::Role* wanted = e.expected.role(index);
  struct Attribute {
    bool has, wanted;
    std::string_view name, why;
  };
  const Attribute attributes[] = {
      {role.superuser, wanted != nullptr && wanted->superuser, "SUPERUSER",
       "nothing is shut for it"},
      {role.createrole, wanted != nullptr && wanted->createrole, "CREATEROLE",
       "it makes roles, and before PostgreSQL 16 gives itself every other one"},
      {role.createdb, wanted != nullptr && wanted->createdb, "CREATEDB",
       "it makes databases that the values file does not know"},
      {role.bypassrls, wanted != nullptr && wanted->bypassrls, "BYPASSRLS",
       "row-level security does not hold it"},
      {role.replication, wanted != nullptr && wanted->replication, "REPLICATION",
       "it may copy the whole cluster, every tenant's data included"},
  };
  for (const Attribute& a : attributes) {
    if (!a.has) continue;
    const std::string object = "role " + role.name;
    const std::string why = fmt::format("a tenant with {}: {}", a.name, a.why);
    if (a.wanted)
      out.warning("wide-role", object, why, "the values file gives it: is it meant?");
    else
      out.error("wide-role", object, why,
                fmt::format("ALTER ROLE {} NO{}", printable(role.name), a.name));
  }
}

void tell_memberships(const Evidence& e, uint32_t index, Findings& out) {
  const Role& role = e.server.roles[index];
  for (const uint32_t other : e.memberships.of(index, By::kAny)) {
    const Role& target = e.server.roles[other];
    if (other == index) continue;
    std::string why;
    if (target.superuser)
      why = "a superuser: nothing is shut for it";
    else if (is_key(target.name))
      why = "a role that reaches beyond a tenant's own databases";
    else if (e.expected.is_tenant(other))
      why = e.memberships.is_member(index, other, By::kSet)
                ? "another tenant: SET ROLE makes it that one wherever it comes in"
                : "another tenant: it has that one's rights wherever it comes in";
    else
      continue;
    const std::string object = "role " + role.name;
    why = fmt::format("a tenant who is a member of {}, {}", printable(target.name), why);
    if (is_granted_by_file(e, index, other))
      out.warning("wide-membership", object, why, "the values file grants it: is it meant?");
    else
      out.error("wide-membership", object, why,
                fmt::format("REVOKE {} FROM {}, or from the role between them",
                            printable(target.name), printable(role.name)));
  }
}

/// A door for physical replication is a door to everything.
void tell_replication(const Evidence& e, Findings& out) {
  std::vector<Door> doors;
  for (const uint32_t index : e.matrix.roles) {
    const Role& role = e.server.roles[index];
    if (!(role.replication || role.superuser) || e.expected.is_service(index)) continue;
    const sql::Role* wanted = e.expected.role(index);
    if (role.superuser || (wanted != nullptr && wanted->replication)) continue;
    e.hba.doors(index, kReplication, doors);
    for (const Door& door : doors) {
      if (passage(e.server, index, *door.rule) < Passage::kByProof) continue;
      if (e.expected.is_operators(index) && door.rule->method == "cert") continue;
      out.error("replication-door", "role " + role.name,
                "can copy the whole cluster by " + describe(*door.rule),
                "ALTER ROLE … NOREPLICATION, or take the line out of pg_hba.conf");
      break;
    }
  }
}

void tell_grants(const Evidence& e, Findings& out) {
  std::vector<std::string_view> connect, temporary;
  std::map<std::string, std::vector<std::string_view>> others;  // "CONNECT to role x" -> databases
  for (const Grant& grant : surplus_grants(e.server, e.memberships, e.expected)) {
    const auto database = std::ranges::find(e.server.databases, grant.database, &Database::oid);
    const std::string_view name = database->name;
    const auto grantee = e.memberships.find(grant.grantee);
    if (grant.grantee == kPublic && grant.privilege == Privilege::kConnect)
      connect.push_back(name);
    else if (grant.grantee == kPublic && grant.privilege == Privilege::kTemporary)
      temporary.push_back(name);
    else if (grant.grantee == kPublic)
      others["PUBLIC"].push_back(name);
    else if (grantee)
      others["role " + e.server.roles[*grantee].name].push_back(name);
  }
  if (!e.desired.isolated) return;
  std::ranges::sort(connect);
  std::ranges::sort(temporary);
  constexpr std::string_view kFix = "cnpg-dbm audit --fix revokes it";
  if (!connect.empty())
    out.warning("public-connect", list_names(connect),
                "PUBLIC has CONNECT: pg_hba.conf alone keeps strangers out", std::string(kFix))
        .fixable = true;
  if (!temporary.empty())
    out.warning("public-temporary", list_names(temporary),
                "PUBLIC has TEMPORARY: whoever is in may fill the disk", std::string(kFix))
        .fixable = true;
  for (auto& [object, databases] : others) {
    std::ranges::sort(databases);
    const auto repeated = std::ranges::unique(databases);
    databases.erase(repeated.begin(), repeated.end());
    out.warning("surplus-grant", object,
                fmt::format("was granted privileges on {}, where it is not expected",
                            list_names(databases)),
                std::string(kFix))
        .fixable = true;
  }
}

void tell_sessions(const Evidence& e, Findings& out) {
  if (!e.desired.isolated) return;
  std::map<std::pair<Oid, Oid>, std::vector<const Session*>> groups;
  const auto strays = stray_sessions(e.server, e.memberships, e.expected);
  for (const Session& session : strays)
    groups[{session.role, session.database}].push_back(&session);
  for (const auto& [key, sessions] : groups) {
    const auto role = e.memberships.find(key.first);
    const auto database = std::ranges::find(e.server.databases, key.second, &Database::oid);
    const Session& first = *sessions.front();
    out.error("stray-session", "role " + e.server.roles[*role].name,
              fmt::format(
                  "{} in {}, where it is not expected; the first (pid {}) from {} since {}",
                  sessions.size() == 1 ? "a session" : fmt::format("{} sessions", sessions.size()),
                  printable(database->name), first.pid, first.address, first.since),
              "cnpg-dbm audit --fix ends it")
        .fixable = true;
  }
}

void tell_insides(const Evidence& e, Findings& out) {
  for (const Inside& inside : e.server.inside) {
    const auto database = std::ranges::find(e.server.databases, inside.database, &Database::oid);
    const std::string object = "database " + database->name;
    if (!inside.failure.empty())
      out.warning("no-look", object, "could not be looked into: " + inside.failure, {});
    if (inside.public_creates)
      out.warning(
          "public-create", object,
          "whoever is in may put objects into the schema public, before others' search_path",
          "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    for (const std::string& bridge : inside.bridges)
      out.warning("bridge", object,
                  fmt::format("{} lets its users connect to other databases from the server itself",
                              printable(bridge)),
                  "a line for the server's own addresses in pg_hba.conf opens more than it seems");
  }
}

}  // namespace

std::vector<Grant> surplus_grants(const Server& server, const Memberships& memberships,
                                  const Expected& expected) {
  std::vector<Grant> out;
  for (const Grant& grant : server.grants) {
    const auto database = std::ranges::find(server.databases, grant.database, &Database::oid);
    if (database == server.databases.end()) continue;
    const auto index = static_cast<uint32_t>(database - server.databases.begin());
    if (expected.database(index) == nullptr && !is_maintenance(*database)) continue;
    if (grant.grantee == kPublic) {
      out.push_back(grant);
      continue;
    }
    const auto grantee = memberships.find(grant.grantee);
    if (!grantee || grant.grantee == database->owner || server.roles[*grantee].superuser) continue;
    const std::string_view name = server.roles[*grantee].name;
    if (name.starts_with("pg_") || expected.is_operators(*grantee)) continue;
    // A group is not surplus as long as somebody who is expected comes in by it.
    bool needed = false;
    for (uint32_t role = 0; role < server.roles.size() && !needed; ++role)
      needed = expected.may_enter(role, index) && !server.roles[role].superuser &&
               memberships.is_member(role, *grantee, By::kAny);
    if (!needed) out.push_back(grant);
  }
  return out;
}

std::vector<Session> stray_sessions(const Server& server, const Memberships& memberships,
                                    const Expected& expected) {
  std::vector<Session> out;
  for (const Session& session : server.sessions) {
    const auto role = memberships.find(session.role);
    const auto database = std::ranges::find(server.databases, session.database, &Database::oid);
    if (!role || database == server.databases.end()) continue;
    if (server.roles[*role].superuser || expected.is_operators(*role)) continue;
    if (!expected.may_enter(*role, static_cast<uint32_t>(database - server.databases.begin())))
      out.push_back(session);
  }
  return out;
}

void find_in_hba(const Evidence& e, Findings& out) {
  for (const HbaRule& rule : e.server.rules)
    if (rule.broken())
      out.error(
          "hba-broken", fmt::format("line {} of pg_hba.conf", rule.line),
          fmt::format("the server cannot read it ({}): it goes by the file that it read before, "
                      "which this audit cannot see, and will not start with this one",
                      printable(rule.error)),
          "mend the line, then SELECT pg_reload_conf()");
  if (e.server.file_is_newer)
    out.warning("hba-not-loaded", "pg_hba.conf",
                "the file is newer than what the server goes by: this audit judges the file",
                "SELECT pg_reload_conf()");
}

void find_in_roles(const Evidence& e, Findings& out) {
  for (uint32_t role = 0; role < e.server.roles.size(); ++role) {
    if (!e.expected.is_tenant(role)) continue;
    tell_attributes(e, role, out);
    tell_memberships(e, role, out);
  }
  tell_replication(e, out);
}

void find_in_databases(const Evidence& e, Findings& out) {
  tell_sessions(e, out);
  tell_grants(e, out);
  tell_insides(e, out);
}

}  // namespace dbm::audit
