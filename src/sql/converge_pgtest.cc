#include "sql/converge_testing.h"
#include "sql/look.h"

#include <fmt/format.h>
#include <rapidcheck.h>

namespace dbm::sql {
namespace {

using testing::ConvergePgTest;
using testing::kDenied;
using testing::kNoRow;
using testing::open;
using testing::value;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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

// Each setting that is pinned, against an owner who sets it otherwise for all who enter his database.
TEST_F(ConvergePgTest, EveryPinnedSettingHolds) {
  database("a");
  converge_all();
  Target target = login("a", "a");
  target.user = options_.admin.user;
  target.password = options_.admin.password;
  const int major = std::stoi(admin("SHOW server_version_num")) / 10000;
  const std::map<std::string, std::string> others = {
      {"role", "a"}, {"local_preload_libraries", "nothing"}, {"search_path", "evil"}, {"row_security", "on"},
      {"standard_conforming_strings", "off"}, {"timezone", "Asia/Tokyo"}, {"datestyle", "German"},
      {"lc_messages", "C"}, {"client_min_messages", "debug1"}, {"statement_timeout", "1h"}, {"lock_timeout", "1h"},
      {"idle_in_transaction_session_timeout", "1h"}, {"default_transaction_read_only", "on"},
      {"default_transaction_deferrable", "on"}, {"synchronous_commit", "on"}, {"log_statement", "all"},
      {"log_min_duration_statement", "1h"}, {"log_min_error_statement", "error"},
      {"pg_stat_statements.track_utility", "on"}, {"idle_session_timeout", "1h"}, {"transaction_timeout", "1h"}};
  size_t pinned = 0;
  const std::string all = session_options(major) + " ";
  for (std::string_view rest = all; !rest.empty(); ++pinned) {
    ASSERT_TRUE(rest.starts_with("-c "));
    const std::string_view one = rest.substr(3, rest.find(' ', 3) - 3);
    rest.remove_prefix(3 + one.size() + 1);
    const std::string name(one.substr(0, one.find('='))), wanted(one.substr(one.find('=') + 1));
    ASSERT_TRUE(others.contains(name)) << "name another value of " << name << " here";
    if (name != "local_preload_libraries") {  // a session that begins with it needs the file
      ASSERT_EQ(admin("ALTER DATABASE a SET " + name + " = '" + others.at(name) + "'"), kNoRow) << name;
    }
    target.options = session_options(major);
    Connection ours = open(target);
    const std::string now = value(ours, "SHOW " + name);
    EXPECT_TRUE(now == wanted || now.starts_with(wanted + ",")) << name << " is " << now;
    ASSERT_EQ(admin("ALTER DATABASE a RESET " + name), kNoRow);
  }
  EXPECT_EQ(pinned, 19U + (major >= 14 ? 1 : 0) + (major >= 17 ? 1 : 0));
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

TEST_F(ConvergePgTest, WhoIsNoSuperuserIsTold) {
  database("a");
  converge_all();
  options_.admin = login("a", "a");
  const auto result = sql::converge(desired_, {}, options_);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("permission denied"));
}

}  // namespace
}  // namespace dbm::sql
