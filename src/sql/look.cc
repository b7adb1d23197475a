#include "sql/look.h"

#include <utility>

#include <fmt/format.h>

#include "sql/desired.h"

namespace dbm::sql {
namespace {

constexpr const char* kRoles =
    "SELECT r.rolname, r.rolcanlogin, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolinherit, "
    "r.rolreplication, r.rolbypassrls, r.rolconnlimit, "
    "CASE WHEN isfinite(r.rolvaliduntil) THEN r.rolvaliduntil::text END, r.rolpassword, "
    "d.description, r.rolname = session_user FROM pg_authid r LEFT JOIN pg_shdescription d "
    "ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass ORDER BY r.rolname";

// A role that may create roles is made a member of those it creates (PostgreSQL 16).
constexpr const char* kMembers =
    "SELECT DISTINCT m.rolname, g.rolname FROM pg_auth_members a JOIN pg_authid m ON m.oid = "
    "a.member JOIN pg_authid g ON g.oid = a.roleid WHERE NOT (a.admin_option AND m.rolcreaterole)";

constexpr const char* kDatabases =
    "SELECT d.datname, d.oid, o.rolname, pg_encoding_to_char(d.encoding), d.datcollate, "
    "d.datctype, {}, {}, {}, d.datconnlimit, d.datistemplate, d.datallowconn, t.spcname, "
    "array_to_string(d.datacl, ',') FROM pg_database d JOIN pg_authid o ON o.oid = d.datdba "
    "JOIN pg_tablespace t ON t.oid = d.dattablespace ORDER BY d.datname";

constexpr const char* kSettings =
    "SELECT d.datname, r.rolname, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) "
    "FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_authid r ON "
    "r.oid = s.setrole, unnest(s.setconfig) c WHERE split_part(c, '=', 1) IN ('statement_timeout', "
    "'idle_in_transaction_session_timeout', 'lock_timeout', 'work_mem', 'temp_file_limit')";

constexpr const char* kSessions =
    "SELECT a.pid, a.datname, r.rolname FROM pg_stat_activity a JOIN pg_authid r ON r.oid = "
    "a.usesysid WHERE a.backend_type = 'client backend' AND NOT r.rolsuper AND a.datname IS NOT NULL";

constexpr const char* kSchemas =
    "SELECT n.nspname, o.rolname, array_to_string(n.nspacl, ',') FROM pg_namespace n JOIN "
    "pg_roles o ON o.oid = n.nspowner WHERE n.nspname !~ '^pg_' AND n.nspname <> "
    "'information_schema'";

constexpr const char* kExtensions =
    "SELECT e.extname, e.extversion, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = "
    "e.extnamespace";

// What belongs to an extension is left as the extension made it: some of it is kept from PUBLIC for
// good reasons (dblink_connect_u). So are routines of superusers, which may have their powers.
constexpr const char* kObjects =
    "SELECT CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END, c.oid::regclass::text, n.nspname, "
    "o.rolname, array_to_string(c.relacl, ',') FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace JOIN pg_roles o ON o.oid = c.relowner WHERE c.relkind IN ('r','p','v','m','f',"
    "'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT "
    "FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = "
    "'e') AND ($1::bool OR EXISTS (SELECT FROM pg_default_acl)) "
    "UNION ALL "
    "SELECT 'f', p.oid::regprocedure::text, n.nspname, o.rolname, array_to_string(p.proacl, ',') "
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles o ON o.oid = "
    "p.proowner WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT o.rolsuper "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = "
    "p.oid AND d.deptype = 'e') AND ($1::bool OR EXISTS (SELECT FROM pg_default_acl)) "
    "ORDER BY 1, 2";

constexpr const char* kDefaults =
    "SELECT o.rolname, a.defaclobjtype, array_to_string(a.defaclacl, ',') FROM pg_default_acl a "
    "JOIN pg_roles o ON o.oid = a.defaclrole WHERE a.defaclnamespace = 0";

std::string text(const Rows& rows, size_t row, size_t column) {
  return std::string(rows.at(row, column));
}

const Failure* first_failure(const std::vector<Answer>& answers) {
  for (const Answer& answer : answers)
    if (!answer) return &answer.failure();
  return nullptr;
}

RoleLook read_role(const Rows& rows, size_t i) {
  RoleLook role{.login = rows.flag(i, 1),
                .superuser = rows.flag(i, 2),
                .createdb = rows.flag(i, 3),
                .createrole = rows.flag(i, 4),
                .inherit = rows.flag(i, 5),
                .replication = rows.flag(i, 6),
                .bypassrls = rows.flag(i, 7),
                .connection_limit = rows.integer(i, 8),
                .valid_until = text(rows, i, 9),
                .has_password = !rows.is_null(i, 10)};
  if (role.has_password) role.password = secrets::Secret(text(rows, i, 10));
  if (!rows.is_null(i, 11)) role.comment = text(rows, i, 11);
  return role;
}

DatabaseLook read_database(const Rows& rows, size_t i) {
  DatabaseLook db{.oid = static_cast<uint32_t>(rows.integer(i, 1)),
                  .owner = text(rows, i, 2),
                  .encoding = text(rows, i, 3),
                  .provider = text(rows, i, 6),
                  .collate = text(rows, i, 4),
                  .ctype = text(rows, i, 5),
                  .locale = text(rows, i, 7),
                  .icu_rules = text(rows, i, 8),
                  .tablespace = text(rows, i, 12),
                  .connection_limit = rows.integer(i, 9),
                  .is_template = rows.flag(i, 10),
                  .allow_connections = rows.flag(i, 11)};
  if (!rows.is_null(i, 13)) db.acl = parse_acl(rows.at(i, 13));
  return db;
}

}  // namespace

std::string session_options(int major) {
  std::string out;
  const auto pin = [&](std::string_view setting) {
    out += out.empty() ? "-c " : " -c ";
    out += setting;
  };
  for (const char* setting :
       {"role=none", "local_preload_libraries=", "search_path=pg_catalog", "row_security=off",
        "standard_conforming_strings=on", "timezone=UTC", "datestyle=ISO", "lc_messages=C",
        "client_min_messages=error", "statement_timeout=0", "lock_timeout=0",
        "idle_in_transaction_session_timeout=0", "default_transaction_read_only=off",
        "default_transaction_deferrable=off", "synchronous_commit=off", "log_statement=none",
        "log_min_duration_statement=-1", "log_min_error_statement=panic",
        "pg_stat_statements.track_utility=off"})
    pin(setting);
  if (major >= 14) pin("idle_session_timeout=0");
  if (major >= 17) pin("transaction_timeout=0");
  return out;
}

std::vector<Statement> shared_statements(int major) {
  const bool has_provider = major >= 15;
  const char* provider = has_provider ? "d.datlocprovider" : "'c'";
  const char* locale = major >= 17 ? "d.datlocale" : has_provider ? "d.daticulocale" : "NULL";
  const char* rules = major >= 16 ? "d.daticurules" : "NULL";
  return {{kRoles},
          {kMembers},
          {fmt::format(fmt::runtime(kDatabases), provider, locale, rules)},
          {kSettings},
          sessions_statement()};
}

Statement sessions_statement() { return {kSessions}; }

std::vector<Session> read_sessions(const Rows& rows) {
  std::vector<Session> out;
  for (size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.integer(i, 0), text(rows, i, 1), text(rows, i, 2)});
  return out;
}

std::variant<SharedLook, Failure> read_shared(const std::vector<Answer>& answers) {
  if (const Failure* failure = first_failure(answers)) return *failure;
  SharedLook out;
  const Rows &roles = *answers[0], &members = *answers[1], &databases = *answers[2],
             &settings = *answers[3];
  for (size_t i = 0; i < roles.size(); ++i) {
    out.roles.emplace_hint(out.roles.end(), text(roles, i, 0), read_role(roles, i));
    if (roles.flag(i, 12)) out.self = text(roles, i, 0);
  }
  for (size_t i = 0; i < members.size(); ++i) {
    const auto member = out.roles.find(members.at(i, 0));
    if (member != out.roles.end()) member->second.member_of.insert(text(members, i, 1));
  }
  for (size_t i = 0; i < databases.size(); ++i)
    out.databases.emplace_hint(out.databases.end(), text(databases, i, 0),
                               read_database(databases, i));
  for (size_t i = 0; i < settings.size(); ++i) {
    const auto db = out.databases.find(settings.at(i, 0));
    if (db == out.databases.end()) continue;
    db->second.settings[text(settings, i, 1)][text(settings, i, 2)] = text(settings, i, 3);
  }
  out.sessions = read_sessions(*answers[4]);
  return out;
}

std::vector<Statement> inside_statements(bool objects) {
  return {{kSchemas}, {kExtensions}, {kObjects, {{objects ? "t" : "f"}}}, {kDefaults}, own_schema_statement()};
}

std::variant<InsideLook, Failure> read_inside(const std::vector<Answer>& answers) {
  if (const Failure* failure = first_failure(answers)) return *failure;
  InsideLook out;
  const Rows &schemas = *answers[0], &extensions = *answers[1], &objects = *answers[2],
             &defaults = *answers[3];
  for (size_t i = 0; i < schemas.size(); ++i)
    if (schemas.at(i, 0) != kOwnSchema)
      out.schemas.emplace(text(schemas, i, 0),
                          SchemaLook{text(schemas, i, 1), parse_acl(schemas.at(i, 2))});
  out.own_schema = read_own_schema(*answers[4]);
  for (size_t i = 0; i < extensions.size(); ++i)
    out.extensions.emplace(text(extensions, i, 0),
                           ExtensionLook{text(extensions, i, 1), text(extensions, i, 2)});
  for (size_t i = 0; i < objects.size(); ++i)
    if (objects.at(i, 2) != kOwnSchema)
      out.objects.push_back({objects.at(i, 0)[0], text(objects, i, 1), text(objects, i, 2),
                             text(objects, i, 3), parse_acl(objects.at(i, 4))});
  for (size_t i = 0; i < defaults.size(); ++i)
    out.defaults.push_back(
        {text(defaults, i, 0), defaults.at(i, 1)[0], parse_acl(defaults.at(i, 2))});
  return out;
}

}  // namespace dbm::sql
