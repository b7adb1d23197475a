#include "sql/converge_testing.h"

#include <fmt/format.h>

namespace dbm::sql {
namespace {

using testing::kDenied;
using testing::kNoRow;
using testing::open;
using testing::value;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AccessPgTest : public testing::ConvergePgTest {};

TEST_F(AccessPgTest, WithoutIsolationEveryoneEnters) {
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

TEST_F(AccessPgTest, AllowedRolesGetInWhereTheyAreAllowed) {
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

TEST_F(AccessPgTest, ReadersReadAndWritersWrite) {
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

TEST_F(AccessPgTest, UsersGetWhatIsThereAlready) {
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
TEST_F(AccessPgTest, WritersGetNoPowersOfSuperusers) {
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

TEST_F(AccessPgTest, LoweredAccessIsTaken) {
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

TEST_F(AccessPgTest, ARemovedUserIsLockedOutAndKept) {
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

TEST_F(AccessPgTest, WhatTheOwnerGrantsToOthersIsHisBusiness) {
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

TEST_F(AccessPgTest, AUserMadeAbsentGoesWithAllItsGrants) {
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

TEST_F(AccessPgTest, OldSessionsAreEnded) {
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

// template1 may have been left open to the public, as servers before PostgreSQL 15 do.
TEST_F(AccessPgTest, TheSchemaPublicIsClosed) {
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

// A tenant owns his database, so he can make a schema of our name before we do: it is not taken for ours.
TEST_F(AccessPgTest, AnOwnSchemaOfATenantIsRefused) {
  Database& db = database("a");
  converge_all();
  ASSERT_EQ(as("a", "a", "CREATE SCHEMA cnpg_dbm"), kNoRow);
  ASSERT_EQ(as("a", "a", "CREATE FUNCTION cnpg_dbm.user_search(text) RETURNS int LANGUAGE sql AS 'SELECT 1'"), kNoRow);
  db.own_schema = {"CREATE OR REPLACE FUNCTION cnpg_dbm.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"};
  for (const char* change : {"SELECT 1", "ALTER SCHEMA cnpg_dbm OWNER TO postgres"}) {  // the function is still his
    admin(change, "a");
    const Converged converged = converge();
    ASSERT_EQ(converged.failed.size(), 1U) << change;
    EXPECT_THAT(converged.failed[0].message, HasSubstr("schema cnpg_dbm of database a"));
    EXPECT_THAT(converged.failed[0].message, HasSubstr("belongs to a"));
    EXPECT_THAT(converged.failed[0].hint, HasSubstr("ALTER SCHEMA cnpg_dbm RENAME"));
    EXPECT_THAT(converged.known, ::testing::IsEmpty());
  }
  admin("ALTER SCHEMA cnpg_dbm RENAME TO of_a", "a");
  converge_all();
  EXPECT_EQ(admin("SELECT cnpg_dbm.f()", "a"), "1");
  expect_settled();
}

// What an earlier version made is made anew as its statements change; also without a mark.
TEST_F(AccessPgTest, AnOwnSchemaIsBroughtUpToDate) {
  Database& db = database("a");
  db.own_schema = {"CREATE OR REPLACE FUNCTION cnpg_dbm.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"};
  converge_all();
  EXPECT_EQ(admin("SELECT cnpg_dbm.f()", "a"), "1");
  admin("COMMENT ON SCHEMA cnpg_dbm IS NULL", "a");
  desired_.databases[0].own_schema = {"CREATE OR REPLACE FUNCTION cnpg_dbm.f() RETURNS int LANGUAGE sql AS 'SELECT 2'"};
  converge_all();
  EXPECT_EQ(admin("SELECT cnpg_dbm.f()", "a"), "2");
  expect_settled();
}

// A grant that was passed on goes with the one that it came of.
TEST_F(AccessPgTest, ACloseReachesWhatWasPassedOn) {
  for (const char* name : {"a", "b", "c"}) database(name);
  converge_all();
  ASSERT_EQ(as("a", "a", "GRANT CONNECT ON DATABASE a TO b WITH GRANT OPTION"), kNoRow);
  ASSERT_EQ(as("b", "a", "GRANT CONNECT ON DATABASE a TO c"), kNoRow);
  EXPECT_EQ(enter("c", "a"), "in");
  // CASCADE: without it, the server refuses to take b's away while c's depends on it.
  converge_all();
  EXPECT_EQ(enter("b", "a"), kDenied);
  EXPECT_EQ(enter("c", "a"), kDenied);
  expect_settled();
}

}  // namespace
}  // namespace dbm::sql
