// Isolation: doors that lead nowhere, roles that are left outside, and what Kubernetes cannot do.

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "spec/roles.h"
#include "spec/rules.h"

namespace dbm::spec {
namespace {

void check_allow(const Cluster& c, const RuleContext& context) {
  std::vector<std::string_view> names;
  for (const Database& db : c.databases) names.push_back(db.name);
  for (size_t i = 0; i < c.isolation.allow.size(); ++i) {
    const Allow& allow = c.isolation.allow[i];
    const std::string path = path_of(c, fmt::format("isolation.allow[{}].databases", i));
    if (allow.databases.empty())
      context.out.error("empty-value", allow.pos("databases"), path, "name at least one database");
    for (Text name : allow.databases) {
      if (name.empty() || name.size() > 63 || name.find('\n') != name.npos ||
          name.find('\r') != name.npos) {
        context.out.error("bad-name", allow.pos("databases"), path,
                          "a database's name has 1 to 63 bytes and no line break");
      } else if (std::ranges::find(names, name) == names.end() && name != "postgres") {
        context.out.warning("unknown-database", allow.pos("databases"), path,
                            fmt::format("this file makes no database \"{}\"", printable(name)),
                            did_you_mean(name, names));
      }
    }
  }
}

/// Login roles that no line of pg_hba lets in.
void warn_left_out(const Cluster& c, const RuleContext& context) {
  const auto allowed = [&](std::string_view role) {
    return std::ranges::find(c.isolation.allow, role, &Allow::role) != c.isolation.allow.end();
  };
  const auto warn = [&](std::string_view role, Pos pos, std::string path) {
    context.out.warning("role-left-out", pos, std::move(path),
                        fmt::format("isolation lets the role \"{}\" into no database",
                                    printable(role)),
                        "name it under isolation.allow, or give it no login");
  };
  const auto roles = cluster_roles(c);
  for (const ClusterRole& role : roles) {
    const Tree* login = role.attributes != nullptr ? role.attributes->find("login") : nullptr;
    if (!role.tenant && login != nullptr && login->as_bool().value_or(false) && !allowed(role.name))
      warn(role.name, role.pos, path_of(c, fmt::format("roles.{}", printable(role.name))));
  }
  const Tree* more = c.additional_cluster_spec.find_path({"managed", "roles"});
  if (more == nullptr) return;
  for (const Tree& item : more->items()) {
    const Tree* name = item.find("name");
    const Tree* login = item.find("login");
    if (name == nullptr || login == nullptr || !login->as_bool().value_or(false)) continue;
    const ClusterRole* known = find_role(roles, name->text());
    if ((known == nullptr || !known->tenant) && !allowed(name->text()))
      warn(name->text(), name->pos(), path_of(c, "additionalClusterSpec.managed.roles"));
  }
}

/// Newer operators expand ${…} inside pg_hba lines.
void check_hba_names(const Cluster& c, const RuleContext& context) {
  for (const Database& db : c.databases)
    for (const auto& [key, name] : {std::pair{"name", db.name}, std::pair{"owner", db.owner}})
      if (name.find("${") != name.npos)
        context.out.error("bad-name", db.pos(key), path_of(c, "databases"),
                          fmt::format("\"{}\" cannot be isolated: CloudNativePG expands ${{…}} in "
                                      "pg_hba lines",
                                      printable(name)),
                          "choose another name");
}

/// Grants and settings that need SQL, which no object of CNPG can run.
void warn_needs_sql(const Cluster& c, const RuleContext& context) {
  const auto beyond_connections = [](const Limits& l) {
    return !l.statement_timeout.empty() || !l.idle_in_transaction_timeout.empty() ||
           !l.lock_timeout.empty() || !l.work_mem.empty() || !l.temp_file_limit.empty();
  };
  Pos users, limits;
  for (const Database& db : c.databases) {
    if (!db.users.empty() && !users) users = db.pos("users");
    if (db.limits && beyond_connections(*db.limits) && !limits) limits = db.pos("limits");
  }
  if (c.defaults.limits && beyond_connections(*c.defaults.limits) && !limits)
    limits = c.defaults.pos("limits");
  if (users)
    context.out.warning("needs-sql", users, path_of(c, "databases"),
                        "users get their roles, Secrets and pg_hba lines; their grants need SQL, "
                        "which Kubernetes objects cannot run",
                        "grant them by hand (docs/values.md, users)");
  if (limits)
    context.out.warning("needs-sql", limits, path_of(c, "databases"),
                        "limits other than connections need SQL, which Kubernetes objects cannot "
                        "run",
                        "set them by hand with ALTER ROLE … IN DATABASE … SET");
}

}  // namespace

void check_isolation(const Cluster& c, const RuleContext& context) {
  warn_needs_sql(c, context);
  if (!c.isolation.enabled) return;
  check_allow(c, context);
  warn_left_out(c, context);
  check_hba_names(c, context);
}

}  // namespace dbm::spec
