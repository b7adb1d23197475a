#include "sql/desired.h"

#include <algorithm>
#include <unordered_map>

#include "sql/timestamp.h"
#include "yaml/at.h"

namespace dbm::sql {
namespace {

using yaml::Value;

std::string text(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr ? std::string(value->text()) : std::string();
}

std::optional<bool> flag(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr ? value->as_bool() : std::nullopt;
}

std::optional<int64_t> integer(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr ? value->as_int() : std::nullopt;
}

bool is_present(const Value& map) {
  const Value* ensure = map.find("ensure");
  return ensure == nullptr || ensure->text() != "absent";
}

void sort_unique(std::vector<std::string>& names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
}

Role role_of(const Value& v, const std::vector<spec::ClusterRole>& ours) {
  Role role;
  role.name = text(v, "name");
  role.present = is_present(v);
  role.login = flag(v, "login").value_or(false);
  role.superuser = flag(v, "superuser").value_or(false);
  role.createdb = flag(v, "createdb").value_or(false);
  role.createrole = flag(v, "createrole").value_or(false);
  role.inherit = flag(v, "inherit").value_or(true);
  role.replication = flag(v, "replication").value_or(false);
  role.bypassrls = flag(v, "bypassrls").value_or(false);
  role.connection_limit = integer(v, "connectionLimit").value_or(-1);
  role.valid_until = utc_text(text(v, "validUntil"));
  if (v.find("comment") != nullptr) role.comment = text(v, "comment");
  for (const Value& in : items_at(v, {"inRoles"})) role.in_roles.emplace_back(in.text());
  sort_unique(role.in_roles);
  role.disable_password = flag(v, "disablePassword").value_or(false);
  const spec::ClusterRole* known = spec::find_role(ours, role.name);
  role.tenant = known != nullptr && known->tenant;
  role.has_password =
      known != nullptr && known->has_password && !role.disable_password && role.present;
  return role;
}

Database database_of(const Value& v) {
  Database db;
  db.name = text(v, "name");
  db.owner = text(v, "owner");
  db.present = is_present(v);
  db.drop_when_gone = text(v, "databaseReclaimPolicy") == "delete";
  db.encoding = text(v, "encoding");
  db.locale = text(v, "locale");
  db.locale_provider = text(v, "localeProvider");
  db.lc_collate = text(v, "localeCollate");
  db.lc_ctype = text(v, "localeCType");
  db.icu_locale = text(v, "icuLocale");
  db.icu_rules = text(v, "icuRules");
  db.builtin_locale = text(v, "builtinLocale");
  db.collation_version = text(v, "collationVersion");
  db.template_name = text(v, "template");
  db.tablespace = text(v, "tablespace");
  db.is_template = flag(v, "isTemplate");
  db.allow_connections = flag(v, "allowConnections");
  db.connection_limit = integer(v, "connectionLimit");
  for (const Value& s : items_at(v, {"schemas"}))
    db.schemas.push_back({text(s, "name"), text(s, "owner"), is_present(s)});
  for (const Value& e : items_at(v, {"extensions"}))
    db.extensions.push_back({text(e, "name"), text(e, "version"), text(e, "schema"), is_present(e)});
  for (const char* field : {"fdws", "servers"})
    if (!items_at(v, {field}).empty()) db.not_made.emplace_back(field);
  return db;
}

/// What the database says of a limit, else what the cluster's defaults say.
void add_settings(Database& out, const spec::Database& db, const spec::Limits* defaults) {
  struct Row {
    const char* parameter;
    spec::Text spec::Limits::*member;
  };
  static constexpr Row kRows[] = {
      {"statement_timeout", &spec::Limits::statement_timeout},
      {"idle_in_transaction_session_timeout", &spec::Limits::idle_in_transaction_timeout},
      {"lock_timeout", &spec::Limits::lock_timeout},
      {"work_mem", &spec::Limits::work_mem},
      {"temp_file_limit", &spec::Limits::temp_file_limit}};
  for (const auto& [parameter, member] : kRows) {
    spec::Text value = db.limits ? (*db.limits).*member : spec::Text();
    if (value.empty() && defaults != nullptr) value = defaults->*member;
    if (!value.empty()) out.settings.emplace(parameter, value);
  }
}

/// What the file itself says of a database: limits, users and who else may enter.
void add_own(Database& out, const spec::Database& db, const spec::Cluster& c) {
  add_settings(out, db, c.defaults.limits ? &*c.defaults.limits : nullptr);
  for (const spec::User& user : db.users) {
    if (user.name == out.owner) continue;  // may do everything as it is
    out.users.push_back({std::string(user.name), user.access == spec::Access::kWrite
                                                     ? Access::kWrite
                                                     : Access::kRead});
    out.entrants.emplace_back(user.name);
  }
}

}  // namespace

Desired desired_of(const spec::Values& values, const render::ClusterPlan& plan,
                   const render::Options& options) {
  const spec::Cluster& c = *plan.cluster;
  Desired out;
  out.cluster = c.name;
  out.isolated = c.isolation.enabled;
  out.databases.reserve(c.databases.size());

  render::Options all = options;
  all.judged_only = false;
  const auto take = [&](const render::Object& object) {
    const Value* spec = object.value.find("spec");
    if (object.kind == "Database") {
      out.databases.push_back(database_of(*spec));
    } else if (const Value* roles = spec->find_path({"managed", "roles"})) {
      for (const Value& role : roles->items()) out.roles.push_back(role_of(role, plan.roles));
    }
  };
  for (const render::Unit& unit : render::units(values, std::span(&plan, 1), all))
    if (unit.kind == "Cluster" || (unit.kind == "Database" && unit.extra == nullptr))
      render::render(values, unit, all, [](const auto&, size_t) { return std::string_view(); },
                     take);
  std::ranges::sort(out.roles, {}, &Role::name);

  // Renderers keep the order of the file: the n-th Database is the file's n-th.
  std::unordered_map<std::string_view, Database*> by_name;
  by_name.reserve(out.databases.size());
  for (size_t i = 0; i < out.databases.size(); ++i) {
    add_own(out.databases[i], c.databases[i], c);
    by_name.emplace(out.databases[i].name, &out.databases[i]);
  }
  for (const spec::Allow& allow : c.isolation.allow)
    for (const spec::Text name : allow.databases) {
      const auto found = by_name.find(name);
      if (found != by_name.end())
        found->second->entrants.emplace_back(allow.role);
      else if (name == "postgres" || name == "template1")
        out.maintenance_entrants[std::string(name)].emplace_back(allow.role);
    }
  for (Database& db : out.databases) {
    db.entrants.push_back(db.owner);
    sort_unique(db.entrants);
  }
  for (auto& [database, roles] : out.maintenance_entrants) sort_unique(roles);
  return out;
}

}  // namespace dbm::sql
