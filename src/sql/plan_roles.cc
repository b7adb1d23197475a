// Roles: their attributes, passwords and memberships.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sql/plan.h"

namespace dbm::sql {
namespace {

/// The options of CREATE ROLE or ALTER ROLE that make `now` what the file says; each begins with a
/// space.
std::string options(const Role& role, const RoleLook& now, const Quote& quote) {
  std::string out;
  const auto flag = [&](bool wanted, bool is, std::string_view name) {
    if (wanted == is) return;
    out += wanted ? " " : " NO";
    out += name;
  };
  flag(role.superuser, now.superuser, "SUPERUSER");
  flag(role.createdb, now.createdb, "CREATEDB");
  flag(role.createrole, now.createrole, "CREATEROLE");
  flag(role.inherit, now.inherit, "INHERIT");
  flag(role.login, now.login, "LOGIN");
  flag(role.replication, now.replication, "REPLICATION");
  flag(role.bypassrls, now.bypassrls, "BYPASSRLS");
  if (role.connection_limit != now.connection_limit)
    out += fmt::format(" CONNECTION LIMIT {}", role.connection_limit);
  if (role.valid_until != now.valid_until)
    out += " VALID UNTIL " +
           quote.literal(role.valid_until.empty() ? "infinity" : role.valid_until);
  return out;
}

/// The password clause, or nothing when the stored one is right.
std::string password(const Role& role, const RoleLook& now, const VerifierOf& verifier,
                     const Quote& quote) {
  if (role.disable_password) return now.has_password ? " PASSWORD NULL" : "";
  const secrets::Secret* wanted = verifier ? verifier(role.name) : nullptr;
  if (wanted == nullptr || (now.has_password && now.password.reveal() == wanted->reveal()))
    return {};
  return " PASSWORD " + quote.literal(wanted->reveal());
}

void add_role(RolePlan& plan, const Role& role, const RoleLook* there, const VerifierOf& verifier,
              const Quote& quote) {
  static const RoleLook kNew;  // CREATE ROLE's defaults
  const RoleLook& now = there != nullptr ? *there : kNew;
  const std::string name = quote.identifier(role.name), object = role_object(role.name);
  const std::string changes = options(role, now, quote);
  const std::string secret = password(role, now, verifier, quote);
  if (there == nullptr)
    plan.attributes.push_back({object, "created", "CREATE ROLE " + name + changes + secret});
  else if (!changes.empty() || !secret.empty())
    plan.attributes.push_back({object, changes.empty() ? "password changed" : "altered",
                               "ALTER ROLE " + name + changes + secret});
  if (role.comment && role.comment.value_or("") != now.comment.value_or(""))
    plan.attributes.push_back({object, "commented", "COMMENT ON ROLE " + name + " IS " +
                                                        quote.literal(*role.comment)});
  for (const std::string& group : role.in_roles)
    if (!now.member_of.contains(group))
      plan.memberships.push_back({object, "member of " + printable(group),
                                  "GRANT " + quote.identifier(group) + " TO " + name});
  for (const std::string& group : now.member_of)
    if (!std::ranges::binary_search(role.in_roles, group))
      plan.memberships.push_back({object, "no member of " + printable(group),
                                  "REVOKE " + quote.identifier(group) + " FROM " + name});
}

}  // namespace

Quote Quote::of(const Connection& connection) {
  return {[&](std::string_view name) { return connection.identifier(name); },
          [&](std::string_view text) { return connection.literal(text); }};
}

bool is_reserved_role(std::string_view name) {
  return name == "postgres" || name == "streaming_replica" || name.starts_with("pg_") ||
         name.starts_with("cnpg_");
}

std::string role_object(std::string_view name) { return "role " + printable(name); }

RolePlan plan_roles(const Desired& desired, const SharedLook& look, const VerifierOf& verifier,
                    const Quote& quote) {
  RolePlan plan;
  for (const Role& role : desired.roles) {
    const auto there = look.roles.find(role.name);
    const RoleLook* now = there == look.roles.end() ? nullptr : &there->second;
    if (role.present)
      add_role(plan, role, now, verifier, quote);
    else if (now != nullptr)
      plan.drops.push_back(
          {role_object(role.name), "dropped", "DROP ROLE " + quote.identifier(role.name)});
  }
  return plan;
}

std::vector<std::string> kept(const Desired& desired, const SharedLook& look) {
  Names databases;
  for (const Database& db : desired.databases) databases.insert(db.name);
  std::vector<std::string> out;
  for (const auto& [name, db] : look.databases)
    if (!db.is_template && name != "postgres" && !databases.contains(name))
      out.push_back(database_object(name));
  for (const auto& [name, role] : look.roles) {
    const auto known = std::ranges::lower_bound(desired.roles, name, {}, &Role::name);
    const bool named = known != desired.roles.end() && known->name == name;
    if (role.login && !named && !is_reserved_role(name) && name != look.self)
      out.push_back(role_object(name));
  }
  return out;
}

}  // namespace dbm::sql
