#include "sql/converge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "secrets/scram.h"
#include "sql/testing.h"

namespace dbm::sql {
namespace {

using dbm::testing::PgServer;
using testing::open;
using testing::target_of;
using testing::value;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Each test has a server of its own: what is looked at is all of it.
class ConvergePgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = PgServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(started).value();
    options_.admin = target_of(*server_);
  }

  Role& role(const std::string& name) {
    Role role;
    role.name = name;
    role.login = role.has_password = role.tenant = true;
    desired_.roles.push_back(role);
    std::ranges::sort(desired_.roles, {}, &Role::name);
    return *std::ranges::find(desired_.roles, name, &Role::name);
  }
  /// With its owner of the same name.
  Database& database(const std::string& name) {
    role(name);
    Database db;
    db.name = db.owner = name;
    db.entrants = {name};
    desired_.databases.push_back(db);
    return desired_.databases.back();
  }
  void add_user(Database& db, const std::string& name, Access access) {
    role(name);
    db.users.push_back({name, access});
    db.entrants.push_back(name);
    std::ranges::sort(db.entrants);
  }

  Converged converge() {
    const auto verifier = [&](std::string_view name) { return &verifier_of(name); };
    auto result = sql::converge(desired_, verifier, options_);
    if (!result) {
      ADD_FAILURE() << result.error().message;
      return {};
    }
    options_.known = result->known;
    return std::move(result).value();
  }
  Converged converge_all() {
    Converged out = converge();
    for (const Failed& f : out.failed) ADD_FAILURE() << f.object << ": " << f.message;
    return out;
  }
  /// Nothing is left to do, whether or not it is known.
  void expect_settled() {
    EXPECT_THAT(told(converge_all()), IsEmpty());
    options_.everything = true;
    EXPECT_THAT(told(converge_all()), IsEmpty());
    options_.everything = false;
  }
  static std::vector<std::string> told(const Converged& converged) {
    std::vector<std::string> out;
    for (const Done& done : converged.done) out.push_back(done.object + ": " + done.action);
    return out;
  }
  static std::vector<std::string> told_failures(const Converged& converged) {
    std::vector<std::string> out;
    for (const Failed& f : converged.failed) out.push_back(f.object + ": " + f.message);
    return out;
  }

  static std::string password(std::string_view role) { return "password of " + std::string(role); }
  const secrets::Secret& verifier_of(std::string_view role) {
    const auto known = verifiers_.find(role);
    if (known != verifiers_.end()) return known->second;
    // One iteration: tests want no strength.
    const std::vector<uint8_t> salt(16, 7);
    return verifiers_
        .emplace(role, secrets::Secret(secrets::scram_verifier(password(role), salt, 1)))
        .first->second;
  }

  Target login(const std::string& role, const std::string& database) const {
    Target target = target_of(*server_);
    target.user = role;
    target.password = secrets::Secret(password(role));
    target.database = database;
    return target;
  }
  /// "in", or the SQLSTATE of the refusal.
  std::string enter(const std::string& role, const std::string& database) const {
    auto opened = Connection::open(login(role, database));
    const auto* failure = std::get_if<Failure>(&opened);
    return failure == nullptr ? "in" : failure->sqlstate;
  }
  std::string as(const std::string& role, const std::string& database,
                 const std::string& sql) const {
    Connection connection = open(login(role, database));
    return value(connection, sql);
  }
  std::string admin(const std::string& sql, const std::string& database = "postgres") const {
    Target target = options_.admin;
    target.database = database;
    Connection connection = open(target);
    return value(connection, sql);
  }

  std::unique_ptr<PgServer> server_;
  Desired desired_;
  ConvergeOptions options_;
  std::map<std::string, secrets::Secret, std::less<>> verifiers_;
};

constexpr const char* kDenied = "42501";  // permission denied
constexpr const char* kNoRow = "no row";  // a command's answer

TEST_F(ConvergePgTest, MakesTenantsThatEnterTheirOwnDatabaseOnly) {
  for (const char* name : {"a", "b", "c"}) database(name);
  const Converged made = converge_all();
  EXPECT_THAT(told(made), Contains("role a: created"));
  EXPECT_THAT(told(made), Contains("database a: created"));
  EXPECT_TRUE(made.changed());
  EXPECT_EQ(made.known.size(), 3U);
  EXPECT_THAT(made.kept, IsEmpty());

  for (const std::string role : {"a", "b", "c"}) {
    for (const std::string db : {"a", "b", "c"})
      EXPECT_EQ(enter(role, db), role == db ? "in" : kDenied) << role << " into " << db;
    EXPECT_EQ(enter(role, "postgres"), kDenied);
    EXPECT_EQ(enter(role, "template1"), kDenied);
    EXPECT_EQ(as(role, role, "CREATE TABLE t (i int)"), kNoRow);
  }
  expect_settled();
}

TEST_F(ConvergePgTest, ASecondRunIsOneConnection) {
  for (const char* name : {"a", "b", "c"}) database(name);
  add_user(desired_.databases[0], "reader", Access::kRead);
  converge_all();
  Connection watcher = open(options_.admin);
  const auto sessions = [&] {
    watcher.run("SELECT pg_stat_clear_snapshot()");
    return value(watcher, "SELECT sum(sessions) FROM pg_stat_database");
  };
  // Sessions are counted when they end: the server's first word on them may come late.
  const std::string before = sessions();
  EXPECT_FALSE(converge_all().changed());
  EXPECT_LE(std::stoi(sessions()), std::stoi(before) + 1);
}

TEST_F(ConvergePgTest, WithoutIsolationEveryoneEnters) {
  desired_.isolated = false;
  database("a");
  database("b");
  converge_all();
  EXPECT_EQ(enter("a", "b"), "in");
  expect_settled();

  desired_.isolated = true;
  converge_all();
  EXPECT_EQ(enter("a", "b"), kDenied);
  desired_.isolated = false;
  EXPECT_THAT(told(converge_all()), Contains("database b: opened to all"));
  EXPECT_EQ(enter("a", "b"), "in");
  expect_settled();
}

TEST_F(ConvergePgTest, AllowedRolesGetInWhereTheyAreAllowed) {
  database("a");
  database("b");
  role("monitor");
  desired_.databases[0].entrants = {"a", "monitor"};
  desired_.maintenance_entrants["postgres"] = {"monitor"};
  converge_all();
  EXPECT_EQ(enter("monitor", "a"), "in");
  EXPECT_EQ(enter("monitor", "b"), kDenied);
  EXPECT_EQ(enter("monitor", "postgres"), "in");
  expect_settled();
}

TEST_F(ConvergePgTest, ReadersReadAndWritersWrite) {
  Database& db = database("a");
  add_user(db, "reader", Access::kRead);
  add_user(db, "writer", Access::kWrite);
  db.schemas = {{"app", "", true}};
  converge_all();
  // Objects that come later.
  Connection owner = open(login("a", "a"));
  for (const char* sql :
       {"CREATE TABLE t (i serial)", "CREATE TABLE app.t (i int)", "INSERT INTO t VALUES (7)",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 5'",
        "REVOKE EXECUTE ON FUNCTION app.f() FROM PUBLIC", "CREATE SCHEMA later",
        "CREATE TABLE later.t (i int)"})
    ASSERT_EQ(value(owner, sql), kNoRow);

  EXPECT_EQ(as("reader", "a", "SELECT i FROM t"), "7");
  EXPECT_EQ(as("reader", "a", "SELECT last_value FROM t_i_seq"), "1");
  EXPECT_EQ(as("reader", "a", "SELECT count(*) FROM later.t"), "0");
  EXPECT_THAT(as("reader", "a", "INSERT INTO t VALUES (8)"), HasSubstr(kDenied));
  EXPECT_THAT(as("reader", "a", "SELECT nextval('t_i_seq')"), HasSubstr(kDenied));
  EXPECT_THAT(as("reader", "a", "SELECT app.f()"), HasSubstr(kDenied));
  EXPECT_THAT(as("reader", "a", "CREATE TABLE mine (i int)"), HasSubstr(kDenied));
  EXPECT_EQ(as("writer", "a", "INSERT INTO t DEFAULT VALUES RETURNING i"), "1");
  EXPECT_EQ(as("writer", "a", "UPDATE app.t SET i = 1"), kNoRow);
  EXPECT_EQ(as("writer", "a", "DELETE FROM later.t"), kNoRow);
  EXPECT_EQ(as("writer", "a", "SELECT app.f()"), "5");
  EXPECT_THAT(as("writer", "a", "CREATE TABLE mine (i int)"), HasSubstr(kDenied));
  EXPECT_THAT(as("writer", "a", "DROP TABLE t"), HasSubstr(kDenied));
  expect_settled();
}

TEST_F(ConvergePgTest, UsersGetWhatIsThereAlready) {
  Database& db = database("a");
  converge_all();
  Connection owner = open(login("a", "a"));
  for (const char* sql : {"CREATE TABLE \"Odd \"\"t\" (i serial)",
                          "CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 5'",
                          "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC",
                          "CREATE VIEW v AS SELECT 1 AS one"})
    ASSERT_EQ(value(owner, sql), kNoRow);
  add_user(db, "reader", Access::kRead);
  add_user(db, "writer", Access::kWrite);
  EXPECT_THAT(told(converge_all()),
              Contains("database a: access of writer: granted SELECT, INSERT, UPDATE, DELETE on 2 "
                       "tables"));
  EXPECT_EQ(as("reader", "a", "SELECT count(*) FROM \"Odd \"\"t\""), "0");
  EXPECT_EQ(as("reader", "a", "SELECT one FROM v"), "1");
  EXPECT_EQ(as("writer", "a", "INSERT INTO \"Odd \"\"t\" DEFAULT VALUES RETURNING i"), "1");
  EXPECT_EQ(as("writer", "a", "SELECT f(1, '')"), "5");
  expect_settled();
}

// Some functions of extensions are kept from PUBLIC because they reach beyond the database.
TEST_F(ConvergePgTest, WritersGetNoPowersOfSuperusers) {
  Database& db = database("a");
  db.extensions = {{"dblink", "", "", true}};
  converge_all();
  admin("CREATE FUNCTION public.hashes() RETURNS text LANGUAGE sql SECURITY DEFINER AS "
        "'SELECT rolpassword::text FROM pg_catalog.pg_authid LIMIT 1'; ", "a");
  admin("REVOKE EXECUTE ON FUNCTION public.hashes FROM PUBLIC", "a");
  add_user(db, "writer", Access::kWrite);
  converge_all();
  EXPECT_THAT(as("writer", "a", "SELECT dblink_connect_u('dbname=postgres')"), HasSubstr(kDenied));
  EXPECT_THAT(as("writer", "a", "SELECT public.hashes()"), HasSubstr(kDenied));
  expect_settled();
}

TEST_F(ConvergePgTest, LoweredAccessIsTaken) {
  Database& db = database("a");
  add_user(db, "user", Access::kWrite);
  converge_all();
  Connection owner = open(login("a", "a"));
  ASSERT_EQ(value(owner, "CREATE TABLE t (i serial)"), kNoRow);
  EXPECT_EQ(as("user", "a", "INSERT INTO t DEFAULT VALUES RETURNING i"), "1");
  db.users[0].access = Access::kRead;
  converge_all();
  ASSERT_EQ(value(owner, "CREATE TABLE later (i serial)"), kNoRow);
  for (const std::string table : {"t", "later"}) {
    EXPECT_THAT(as("user", "a", "INSERT INTO " + table + " VALUES (9)"), HasSubstr(kDenied));
    EXPECT_THAT(as("user", "a", "SELECT nextval('" + table + "_i_seq')"), HasSubstr(kDenied));
    EXPECT_THAT(as("user", "a", "SELECT count(*) FROM " + table), Not(HasSubstr(kDenied)));
  }
  expect_settled();
}

TEST_F(ConvergePgTest, ARemovedUserIsLockedOutAndKept) {
  Database& db = database("a");
  add_user(db, "user", Access::kWrite);
  converge_all();
  Connection owner = open(login("a", "a"));
  ASSERT_EQ(value(owner, "CREATE TABLE t (i int)"), kNoRow);
  Connection inside = open(login("user", "a"));

  db.users.clear();
  db.entrants = {"a"};
  std::erase_if(desired_.roles, [](const Role& r) { return r.name == "user"; });
  const Converged converged = converge_all();
  EXPECT_THAT(converged.kept, ElementsAre("role user"));
  EXPECT_THAT(told(converged), Contains("database a: closed to user"));
  EXPECT_THAT(told(converged), Contains("database a: ended a session of user"));
  EXPECT_FALSE(inside.run("SELECT 1"));
  EXPECT_EQ(enter("user", "a"), kDenied);
  for (const char* privilege : {"SELECT", "INSERT"})
    EXPECT_EQ(admin(fmt::format("SELECT has_table_privilege('user', 't', '{}')", privilege), "a"),
              "f");
  EXPECT_EQ(admin("SELECT count(*) FROM pg_default_acl WHERE defaclacl::text LIKE '%user%'", "a"),
            "0");
  EXPECT_EQ(admin("DROP ROLE \"user\""), kNoRow);  // nothing of it is left anywhere
  expect_settled();
}

TEST_F(ConvergePgTest, WhatTheOwnerGrantsToOthersIsHisBusiness) {
  database("a");
  role("friend");
  converge_all();
  Connection owner = open(login("a", "a"));
  ASSERT_EQ(value(owner, "CREATE TABLE t (i int)"), kNoRow);
  ASSERT_EQ(value(owner, "GRANT SELECT ON t TO friend"), kNoRow);
  options_.everything = true;
  EXPECT_THAT(told(converge_all()), IsEmpty());
  // But not who may enter.
  ASSERT_EQ(value(owner, "GRANT CONNECT ON DATABASE a TO friend, PUBLIC"), kNoRow);
  EXPECT_THAT(told(converge_all()),
              ElementsAre("database a: closed to others", "database a: closed to friend"));
}

TEST_F(ConvergePgTest, AttributesAreAltered) {
  Database& db = database("a");
  converge_all();
  Role& owner = desired_.roles[0];
  owner.connection_limit = 7;
  owner.createdb = true;
  owner.valid_until = "2099-01-31 09:00:00.5+00";
  owner.comment = "it's \"a\"";
  owner.in_roles = {"pg_read_all_stats"};
  db.connection_limit = 5;
  db.settings = {{"statement_timeout", "30s"}, {"work_mem", "8MB"}, {"temp_file_limit", "1GB"}};
  EXPECT_THAT(told(converge_all()),
              ElementsAre("role a: altered", "role a: commented",
                          "role a: member of pg_read_all_stats", "database a: altered",
                          "database a: statement_timeout set for a",
                          "database a: temp_file_limit set for a",
                          "database a: work_mem set for a"));
  EXPECT_EQ(as("a", "a", "SHOW statement_timeout"), "30s");
  EXPECT_EQ(admin("SELECT datconnlimit FROM pg_database WHERE datname = 'a'"), "5");
  expect_settled();

  owner.connection_limit = -1;
  owner.createdb = false;
  owner.valid_until.clear();
  owner.in_roles.clear();
  db.settings = {{"work_mem", "8MB"}};
  const auto changes = told(converge_all());
  EXPECT_THAT(changes, Contains("role a: altered"));
  EXPECT_THAT(changes, Contains("role a: no member of pg_read_all_stats"));
  EXPECT_THAT(changes, Contains("database a: statement_timeout reset for a"));
  expect_settled();
}

TEST_F(ConvergePgTest, PasswordsAreChangedOnlyWhenTheyDiffer) {
  database("a");
  converge_all();
  EXPECT_EQ(enter("a", "a"), "in");
  EXPECT_EQ(admin("SELECT rolpassword LIKE 'SCRAM-SHA-256$1:%' FROM pg_authid WHERE rolname = 'a'"),
            "t");
  admin("ALTER ROLE a PASSWORD 'other'");
  EXPECT_EQ(enter("a", "a"), "28P01");
  EXPECT_THAT(told(converge_all()), ElementsAre("role a: password changed"));
  EXPECT_EQ(enter("a", "a"), "in");
  desired_.roles[0].disable_password = true;
  converge_all();
  EXPECT_EQ(admin("SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'a'"), "t");
  expect_settled();
}

TEST_F(ConvergePgTest, OwnersChange) {
  database("a");
  role("next");
  converge_all();
  desired_.databases[0].owner = "next";
  desired_.databases[0].entrants = {"next"};
  EXPECT_THAT(told(converge_all()), Contains("database a: given to next"));
  EXPECT_EQ(enter("a", "a"), kDenied);
  EXPECT_EQ(enter("next", "a"), "in");
  expect_settled();
}

TEST_F(ConvergePgTest, EncodingAndLocaleAreGivenOnceAndNeverChanged) {
  Database& db = database("a");
  db.encoding = "LATIN1";
  db.locale = "C";
  converge_all();
  EXPECT_EQ(admin("SHOW server_encoding", "a"), "LATIN1");
  expect_settled();
  db.encoding = "UTF-8";
  const Converged converged = converge();
  EXPECT_THAT(told_failures(converged),
              ElementsAre("database a: encoding is \"LATIN1\", not \"UTF-8\", and cannot be "
                          "changed"));
  EXPECT_THAT(converged.failed[0].hint, Not(IsEmpty()));
}

TEST_F(ConvergePgTest, SchemasAndExtensions) {
  Database& db = database("a");
  role("other");
  db.schemas = {{"app", "", true}, {"Ext \"x\"", "other", true}, {"ext", "", true}};
  db.extensions = {{"hstore", "", "", true}, {"citext", "1.5", "Ext \"x\"", true}};
  converge_all();
  EXPECT_EQ(admin("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'app'", "a"), "a");
  EXPECT_EQ(admin("SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'hstore'",
                  "a"),
            "public");
  expect_settled();
  db.schemas = {{"app", "other", true}, {"ext", "", true}};
  db.extensions = {{"hstore", "", "", false}, {"citext", "1.6", "ext", true}};
  EXPECT_THAT(told(converge_all()),
              ElementsAre("database a: schema app: given to other",
                          "database a: extension hstore: dropped",
                          "database a: extension citext: updated to 1.6",
                          "database a: extension citext: moved to ext"));
  expect_settled();
  db.schemas[1].present = false;
  db.extensions[1].present = false;
  // The schema goes first and is not empty then; the next run finds it so.
  converge();
  converge_all();
  expect_settled();
}

TEST_F(ConvergePgTest, AMissingExtensionFailsAloneAndNamesThePackage) {
  Database& db = database("a");
  add_user(db, "reader", Access::kRead);
  db.extensions = {{"vector", "", "", true}, {"hstore", "", "", true}};
  const Converged converged = converge();
  ASSERT_EQ(converged.failed.size(), 1U);
  EXPECT_EQ(converged.failed[0].object, "database a: extension vector");
  EXPECT_THAT(converged.failed[0].hint, HasSubstr("-pgvector"));
  EXPECT_THAT(told(converged), Contains("database a: extension hstore: created"));
  EXPECT_THAT(told(converged), Contains("database a: access of reader: default privileges"));
  EXPECT_THAT(converged.known, IsEmpty());  // it is tried again
  EXPECT_EQ(converge().failed.size(), 1U);
}

TEST_F(ConvergePgTest, FailuresStayWhereTheyAre) {
  database("a");
  database("b");
  database("c");
  desired_.roles[1].valid_until = "no time";  // b
  desired_.databases[2].tablespace = "nowhere";
  const Converged converged = converge();
  EXPECT_THAT(
      told_failures(converged),
      ElementsAre("role b: invalid input syntax for type timestamp with time zone: \"no time\"",
                  "database b: its owner \"b\" could not be made: invalid input syntax for type "
                  "timestamp with time zone: \"no time\"",
                  "database c: tablespace \"nowhere\" does not exist"));
  EXPECT_EQ(enter("a", "a"), "in");
  desired_.roles[1].valid_until = "";
  desired_.databases[2].tablespace = "";
  converge_all();
  EXPECT_EQ(enter("b", "b"), "in");
  EXPECT_EQ(enter("c", "c"), "in");
  expect_settled();
}

TEST_F(ConvergePgTest, AbsentIsDroppedAndVanishedIsKept) {
  for (const char* name : {"a", "b", "c"}) database(name);
  desired_.databases[0].is_template = true;
  converge_all();
  Connection inside = open(login("b", "b"));
  desired_.databases[0].is_template.reset();
  desired_.databases[0].present = desired_.databases[1].present = false;
  desired_.roles[0].present = desired_.roles[1].present = false;
  desired_.databases.pop_back();
  desired_.roles.pop_back();
  const Converged converged = converge_all();
  EXPECT_THAT(told(converged), ElementsAre("database a: dropped", "database b: dropped",
                                           "role a: dropped", "role b: dropped"));
  EXPECT_THAT(converged.kept, ElementsAre("database c", "role c"));
  EXPECT_EQ(enter("c", "c"), "in");
  EXPECT_THAT(told(converge_all()), IsEmpty());
}

TEST_F(ConvergePgTest, AUserMadeAbsentGoesWithAllItsGrants) {
  Database& db = database("a");
  add_user(db, "user", Access::kWrite);
  converge_all();
  Connection owner = open(login("a", "a"));
  ASSERT_EQ(value(owner, "CREATE TABLE t (i int)"), kNoRow);
  db.users.clear();
  db.entrants = {"a"};
  desired_.roles[1].present = false;
  EXPECT_THAT(told(converge_all()), Contains("role user: dropped"));
  expect_settled();
}

TEST_F(ConvergePgTest, OddNames) {
  const std::vector<std::string> names = {
      "a\"b",     "it's",    "Upper Case", " lead and trail ", "back\\slash", "é-ünï-日本",
      "select",   "$user",   "a,b=c/d",    "{\"x\"}",          "%s%d",        "new\nline",
      std::string(63, 'x'),  "PUBLIC",     "all",              "-",           "1"};
  for (const std::string& name : names) {
    Database& db = database(name);
    add_user(db, "u" + name.substr(0, 62), Access::kWrite);
    db.schemas = {{name, name, true}};
    db.settings = {{"work_mem", "8MB"}};
  }
  converge_all();
  for (const std::string& name : names) {
    EXPECT_EQ(enter(name, name), "in") << name;
    EXPECT_EQ(enter("u" + name.substr(0, 62), name), "in") << name;
    EXPECT_EQ(enter(name, name == "1" ? "-" : "1"), kDenied) << name;
    EXPECT_EQ(as(name, name, "SHOW work_mem"), "8MB") << name;
  }
  expect_settled();
  // And away again.
  for (Database& db : desired_.databases) {
    db.entrants = {db.owner};
    db.users.clear();
  }
  converge_all();
  for (const std::string& name : names)
    EXPECT_EQ(enter("u" + name.substr(0, 62), name), kDenied) << name;
  expect_settled();
}

// Any text is a name, or is refused; never a piece of a statement.
TEST_F(ConvergePgTest, AnyNameIsOneName) {
  Connection connection = open(options_.admin);
  rc::check([&](const std::string& text) {
    const Answer answer = connection.run("SELECT " + connection.literal(text) + " AS " +
                                         connection.identifier(text) + ", 1");
    RC_ASSERT(connection.is_open());
    if (!answer) RC_SUCCEED("refused");
    RC_ASSERT(answer->columns() == 2U);
    RC_ASSERT(answer->at(0, 0) == text);
  });
}

// An owner can have settings given to all who enter his database, us too.
TEST_F(ConvergePgTest, AnOwnersSettingsDoNotReachUs) {
  Database& db = database("a");
  converge_all();
  Connection owner = open(login("a", "a"));
  for (const char* sql :
       {"ALTER DATABASE a SET search_path = evil", "ALTER DATABASE a SET role = a",
        "ALTER DATABASE a SET default_transaction_read_only = on",
        "ALTER DATABASE a SET statement_timeout = 1",
        "ALTER DATABASE a SET standard_conforming_strings = off", "CREATE SCHEMA evil",
        "CREATE FUNCTION evil.array_to_string(anyarray, text) RETURNS text LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''caught''; END'"})
    ASSERT_EQ(value(owner, sql), kNoRow) << sql;
  db.extensions = {{"hstore", "", "", true}};
  add_user(db, "back\\slash'", Access::kRead);
  converge_all();
  expect_settled();
}

TEST_F(ConvergePgTest, AKilledRunIsFinishedByTheNext) {
  for (int i = 0; i < 6; ++i) {
    Database& db = database(fmt::format("d{}", i));
    add_user(db, fmt::format("u{}", i), Access::kWrite);
    db.schemas = {{"app", "", true}};
  }
  // Ends all our sessions at each of the databases in turn.
  options_.connections = 2;
  for (size_t at = 0; at < 6; ++at) {
    Connection killer = open(options_.admin);
    options_.progress = [&](size_t done, size_t, std::string_view) {
      if (done == at)
        killer.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
            "pg_backend_pid() AND backend_type = 'client backend'");
    };
    converge();
  }
  options_.progress = {};
  converge_all();
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(enter(fmt::format("u{}", i), fmt::format("d{}", i)), "in");
    EXPECT_EQ(enter(fmt::format("u{}", i), fmt::format("d{}", (i + 1) % 6)), kDenied);
  }
  expect_settled();
}

TEST_F(ConvergePgTest, OldSessionsAreEnded) {
  desired_.isolated = false;
  database("a");
  database("b");
  converge_all();
  Connection stranger = open(login("a", "b")), at_home = open(login("b", "b")),
             maintenance = open(login("a", "postgres")), superuser = open(options_.admin);
  desired_.isolated = true;
  converge_all();
  EXPECT_FALSE(stranger.run("SELECT 1"));
  EXPECT_FALSE(maintenance.run("SELECT 1"));
  EXPECT_TRUE(at_home.run("SELECT 1"));
  EXPECT_TRUE(superuser.run("SELECT 1"));
}

TEST_F(ConvergePgTest, WhoIsNoSuperuserIsTold) {
  database("a");
  converge_all();
  options_.admin = login("a", "a");
  const auto result = sql::converge(desired_, {}, options_);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("permission denied"));
}

// template1 may have been left open to the public, as servers before PostgreSQL 15 do.
TEST_F(ConvergePgTest, TheSchemaPublicIsClosed) {
  admin("GRANT CREATE ON SCHEMA public TO PUBLIC", "template1");
  admin("ALTER SCHEMA public OWNER TO postgres", "template1");
  Database& db = database("a");
  role("guest");
  db.entrants = {"a", "guest"};
  EXPECT_THAT(told(converge_all()), Contains("database a: schema public closed to others"));
  EXPECT_THAT(as("guest", "a", "CREATE TABLE t (i int)"), HasSubstr(kDenied));
  EXPECT_EQ(as("a", "a", "CREATE TABLE t (i int)"), kNoRow);
  expect_settled();
}

}  // namespace
}  // namespace dbm::sql
