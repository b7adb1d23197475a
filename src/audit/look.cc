#include "audit/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/parallel.h"
#include "sql/look.h"

namespace dbm::audit {
namespace {

using sql::Rows;

constexpr std::string_view kSettings =
    "SELECT current_user, current_setting('ssl') = 'on', current_setting('hba_file')";
constexpr std::string_view kRoles =
    "SELECT oid, rolname, rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolcreatedb, "
    "rolreplication, rolbypassrls, coalesce(rolvaliduntil <= now(), false), rolconnlimit, "
    "CASE WHEN rolpassword IS NULL THEN 0 WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 2 ELSE 1 "
    "END "
    "FROM pg_catalog.pg_authid";
constexpr std::string_view kDatabases =
    "SELECT oid, datname, datdba, datallowconn AND datconnlimit <> -2, datistemplate, datconnlimit "
    "FROM pg_catalog.pg_database";
constexpr std::string_view kGrants =
    "SELECT d.oid, a.grantee, a.grantor, a.privilege_type FROM pg_catalog.pg_database d, "
    "pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a";
constexpr std::string_view kSessions =
    "SELECT pid, usesysid, datid, coalesce(host(client_addr), 'local'), application_name, "
    "date_trunc('second', backend_start) FROM pg_catalog.pg_stat_activity "
    "WHERE usesysid IS NOT NULL AND datid IS NOT NULL AND pid <> pg_backend_pid() "
    "AND backend_type IN ('client backend', 'walsender')";
constexpr std::string_view kMappings =
    "SELECT map_name, sys_name, pg_username FROM pg_catalog.pg_ident_file_mappings "
    "WHERE error IS NULL";
constexpr std::string_view kNewer =
    "SELECT (pg_stat_file(current_setting('hba_file'))).modification > pg_conf_load_time()";

std::string memberships_query(int major) {
  return fmt::format(
      "SELECT m.roleid, m.member, m.admin_option, {} FROM pg_catalog.pg_auth_members m "
      "JOIN pg_catalog.pg_roles r ON r.oid = m.member",
      major >= 16 ? "m.inherit_option, m.set_option" : "r.rolinherit, true");
}

std::string rules_query(int major) {
  return fmt::format(
      "SELECT line_number, {}, type, database, user_name, address, netmask, auth_method, options, "
      "error FROM pg_catalog.pg_hba_file_rules ORDER BY {}",
      major >= 16 ? "file_name" : "''",
      major >= 16 ? "rule_number NULLS FIRST, line_number" : "line_number");
}

Oid oid(const Rows& rows, size_t row, size_t column) {
  return static_cast<Oid>(rows.integer(row, column));
}
std::string text(const Rows& rows, size_t row, size_t column) {
  return std::string(rows.at(row, column));
}

void read_roles(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i)
    out.roles.push_back({.oid = oid(rows, i, 0),
                         .name = text(rows, i, 1),
                         .login = rows.flag(i, 2),
                         .superuser = rows.flag(i, 3),
                         .inherit = rows.flag(i, 4),
                         .createrole = rows.flag(i, 5),
                         .createdb = rows.flag(i, 6),
                         .replication = rows.flag(i, 7),
                         .bypassrls = rows.flag(i, 8),
                         .expired = rows.flag(i, 9),
                         .connection_limit = rows.integer(i, 10),
                         .password = static_cast<PasswordKind>(rows.integer(i, 11))});
  std::ranges::sort(out.roles, {}, &Role::name);
}

void read_databases(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i)
    out.databases.push_back({.oid = oid(rows, i, 0),
                             .owner = oid(rows, i, 2),
                             .name = text(rows, i, 1),
                             .accepts = rows.flag(i, 3),
                             .is_template = rows.flag(i, 4),
                             .connection_limit = rows.integer(i, 5)});
  std::ranges::sort(out.databases, {}, &Database::name);
}

void read_grants(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string_view name = rows.at(i, 3);
    out.grants.push_back({oid(rows, i, 0), oid(rows, i, 1), oid(rows, i, 2),
                          name == "CONNECT"     ? Privilege::kConnect
                          : name == "TEMPORARY" ? Privilege::kTemporary
                                                : Privilege::kCreate});
  }
}

void read_memberships(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i)
    out.memberships.push_back({.role = oid(rows, i, 0),
                               .member = oid(rows, i, 1),
                               .inherit = rows.flag(i, 3),
                               .set = rows.flag(i, 4),
                               .admin = rows.flag(i, 2)});
}

void read_sessions(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i)
    out.sessions.push_back({rows.integer(i, 0), oid(rows, i, 1), oid(rows, i, 2), text(rows, i, 3),
                            text(rows, i, 4), text(rows, i, 5)});
}

std::vector<HbaToken> tokens(std::string_view array) {
  std::vector<HbaToken> out;
  for (std::string& name : parse_text_array(array)) out.push_back({std::move(name)});
  return out;
}

void read_rules(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i)
    out.rules.push_back({.line = static_cast<int>(rows.integer(i, 0)),
                         .file = text(rows, i, 1),
                         .type = text(rows, i, 2),
                         .databases = tokens(rows.at(i, 3)),
                         .users = tokens(rows.at(i, 4)),
                         .address = text(rows, i, 5),
                         .netmask = text(rows, i, 6),
                         .method = text(rows, i, 7),
                         .options = parse_text_array(rows.at(i, 8)),
                         .error = text(rows, i, 9)});
}

void read_mappings(const Rows& rows, Server& out) {
  for (size_t i = 0; i < rows.size(); ++i)
    out.mappings.push_back({text(rows, i, 0), text(rows, i, 1), text(rows, i, 2)});
}

/// The text of pg_hba.conf and of the files that it includes. Where it may not be read, names stay
/// of unknown quoting.
void read_quotes(sql::Connection& connection, Server& out) {
  std::vector<std::string> files;
  for (const HbaRule& rule : out.rules)
    if (std::ranges::find(files, rule.file) == files.end()) files.push_back(rule.file);
  for (const std::string& file : files) {
    const auto answer = file.empty()
                            ? connection.run("SELECT pg_read_file(current_setting('hba_file'))")
                            : connection.run({"SELECT pg_read_file($1)", {file}});
    if (answer && answer->size() == 1) mark_quoted(out.rules, file, answer->at(0, 0));
  }
}

constexpr std::string_view kInside = R"(
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(
                 coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
               WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'),
  ARRAY(
    SELECT 'the extension dblink' FROM pg_catalog.pg_extension e
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass
        AND d.refobjid = e.oid AND d.classid = 'pg_catalog.pg_proc'::regclass
      JOIN pg_catalog.pg_proc p ON p.oid = d.objid
      WHERE e.extname = 'dblink' AND p.proname = 'dblink_connect' AND EXISTS (
        SELECT FROM pg_catalog.aclexplode(
          coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee WHERE NOT coalesce(r.rolsuper, false))
    UNION
    SELECT 'the foreign-data wrapper ' || w.fdwname FROM pg_catalog.pg_foreign_data_wrapper w
      CROSS JOIN pg_catalog.aclexplode(w.fdwacl) a
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee WHERE NOT coalesce(r.rolsuper, false)
    UNION
    SELECT 'the foreign server ' || s.srvname FROM pg_catalog.pg_foreign_server s
      CROSS JOIN pg_catalog.aclexplode(
        coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))) a
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee WHERE NOT coalesce(r.rolsuper, false)
    ORDER BY 1))";

Inside look_at(const Database& database, sql::Target target, int major) {
  Inside out{.database = database.oid, .bridges = {}, .failure = {}};
  target.database = database.name;
  // Its owner must not have a say in what a superuser's statements mean here.
  target.options = sql::session_options(major);
  auto opened = sql::Connection::open(target);
  if (const auto* failure = std::get_if<sql::Failure>(&opened)) {
    out.failure = failure->message;
    return out;
  }
  const auto answer = std::get<sql::Connection>(opened).run(std::string(kInside));
  if (!answer) {
    out.failure = answer.failure().message;
    return out;
  }
  out.public_creates = answer->flag(0, 0);
  out.bridges = parse_text_array(answer->at(0, 1));
  return out;
}

}  // namespace

Result<Server> look(sql::Connection& connection) {
  Server out;
  out.version = connection.server_version();
  const int major = out.major();
  const sql::Statement statements[] = {
      {std::string(kSettings)},
      {std::string(kRoles)},
      {std::string(kDatabases)},
      {std::string(kGrants)},
      {memberships_query(major)},
      {std::string(kSessions)},
      {rules_query(major)},
      {std::string(kNewer)},
      {major >= 15 ? std::string(kMappings) : "SELECT WHERE false"},
  };
  const auto answers = connection.run_all(statements);
  constexpr size_t kNewerAt = 7;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i] || i == kNewerAt) continue;
    Error error = answers[i].failure().as_error().about("cannot look at the server");
    if (answers[i].failure().is("42501"))
      error.hint = "an audit needs a superuser: --user postgres";
    return error;
  }
  out.user = answers[0]->at(0, 0);
  out.tls = answers[0]->flag(0, 1);
  read_roles(*answers[1], out);
  read_databases(*answers[2], out);
  read_grants(*answers[3], out);
  read_memberships(*answers[4], out);
  read_sessions(*answers[5], out);
  read_rules(*answers[6], out);
  out.file_is_newer = answers[kNewerAt] && answers[kNewerAt]->flag(0, 0);
  read_mappings(*answers[8], out);
  read_quotes(connection, out);
  return out;
}

void look_inside(Server& server, const sql::Target& admin, unsigned connections) {
  std::vector<const Database*> open;
  for (const Database& database : server.databases)
    if (database.accepts) open.push_back(&database);
  const auto workers = static_cast<unsigned>(std::min<size_t>(open.size(), connections));
  ordered_parallel(
      open.size(), workers, [&](size_t i) { return look_at(*open[i], admin, server.major()); },
      [&](Inside&& inside) { server.inside.push_back(std::move(inside)); });
}

}  // namespace dbm::audit
