#include "sql/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace dbm::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

const Quote kQuote = {[](std::string_view name) { return doubled(name, '"'); },
                      [](std::string_view text) { return doubled(text, '\''); }};

std::vector<std::string> sql(const std::vector<Step>& steps) {
  std::vector<std::string> out;
  for (const Step& step : steps) out.push_back(step.sql);
  return out;
}

Database database(const std::string& name) {
  Database db;
  db.name = db.owner = name;
  db.entrants = {name};
  return db;
}

Role role(const std::string& name) {
  Role out;
  out.name = name;
  out.login = true;
  return out;
}

RoleLook login() {
  RoleLook out;
  out.login = true;
  return out;
}

const secrets::Secret kVerifier("SCRAM-SHA-256$1:x$y:z");
const VerifierOf kVerifierOf = [](std::string_view) { return &kVerifier; };

TEST(ParseAcl, ReadsWhatPostgresWrites) {
  const Acl acl = parse_acl("=Tc/postgres,postgres=CTc/postgres,\"a=\"\"b\"=c*T/\"x,y\",u=r/a,u=rw/b");
  ASSERT_THAT(acl, SizeIs(4));
  EXPECT_EQ(letters_of(acl, ""), "Tc");
  EXPECT_EQ(letters_of(acl, "postgres"), "CTc");
  EXPECT_EQ(letters_of(acl, "a=\"b"), "cT");
  EXPECT_EQ(letters_of(acl, "u"), "rw");
  EXPECT_EQ(letters_of(acl, "nobody"), "");
  EXPECT_THAT(parse_acl(""), IsEmpty());
}

TEST(ParseAcl, AnyNames) {
  rc::check([](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
      if (!text.empty()) text += kAclSeparator;
      text += doubled(name, '"') + "=c/" + doubled(name, '"');
    }
    const Acl acl = parse_acl(text);
    for (const std::string& name : names) RC_ASSERT(letters_of(acl, name) == "c");
  });
}

TEST(ParseAcl, SurvivesAnything) {
  rc::check([](const std::string& text) { parse_acl(text); });
}

TEST(PrivilegeNames, OfLetters) {
  EXPECT_EQ(privilege_names("rawd"), "SELECT, INSERT, UPDATE, DELETE");
  EXPECT_EQ(missing_letters("rawd", "rd"), "aw");
}

TEST(PlanRoles, MakesAndAlters) {
  Desired desired;
  desired.roles = {role("a"), role("b\"c"), role("same")};
  desired.roles[1].createdb = true;
  desired.roles[1].inherit = false;
  desired.roles[1].connection_limit = 3;
  desired.roles[1].valid_until = "2026-01-31 09:00:00+00";
  desired.roles[1].in_roles = {"g"};
  SharedLook look;
  look.roles["b\"c"] = login();
  look.roles["b\"c"].member_of = {"old"};
  look.roles["same"] = login();
  look.roles["same"].has_password = true;
  look.roles["same"].password = kVerifier;
  const RolePlan plan = plan_roles(desired, look, kVerifierOf, kQuote);
  EXPECT_THAT(sql(plan.attributes),
              ElementsAre("CREATE ROLE \"a\" LOGIN PASSWORD 'SCRAM-SHA-256$1:x$y:z'",
                          "ALTER ROLE \"b\"\"c\" CREATEDB NOINHERIT CONNECTION LIMIT 3 VALID UNTIL "
                          "'2026-01-31 09:00:00+00' PASSWORD 'SCRAM-SHA-256$1:x$y:z'"));
  EXPECT_THAT(sql(plan.memberships),
              ElementsAre("GRANT \"g\" TO \"b\"\"c\"", "REVOKE \"old\" FROM \"b\"\"c\""));
  EXPECT_THAT(plan.drops, IsEmpty());
}

TEST(PlanRoles, NoPasswordOfOursIsLeftAlone) {
  Desired desired;
  desired.roles = {role("a")};
  SharedLook look;
  look.roles["a"] = login();
  look.roles["a"].has_password = true;
  EXPECT_THAT(plan_roles(desired, look, {}, kQuote).attributes, IsEmpty());
  desired.roles[0].disable_password = true;
  EXPECT_THAT(sql(plan_roles(desired, look, kVerifierOf, kQuote).attributes),
              ElementsAre("ALTER ROLE \"a\" PASSWORD NULL"));
}

TEST(PlanDatabase, MakesWithAllOptions) {
  Database db = database("a");
  EXPECT_THAT(sql(plan_database(db, true, {}, {"a"}, kQuote).steps),
              ElementsAre("CREATE DATABASE \"a\" OWNER \"a\" TEMPLATE \"template1\"",
                          "REVOKE CONNECT, TEMPORARY ON DATABASE \"a\" FROM PUBLIC CASCADE"));
  db.encoding = "UTF8";
  db.locale_provider = "icu";
  db.icu_locale = "de";
  db.connection_limit = 4;
  db.is_template = true;
  db.users = {{"u", Access::kRead}};
  db.entrants = {"a", "u"};
  db.settings = {{"work_mem", "8MB"}};
  const DatabasePlan plan = plan_database(db, true, {}, {"a", "u"}, kQuote);
  EXPECT_TRUE(plan.creates);
  EXPECT_FALSE(plan.from_template1);
  EXPECT_THAT(
      sql(plan.steps),
      ElementsAre("CREATE DATABASE \"a\" OWNER \"a\" TEMPLATE \"template0\" ENCODING 'UTF8' "
                  "LOCALE_PROVIDER 'icu' ICU_LOCALE 'de' CONNECTION LIMIT 4 IS_TEMPLATE true",
                  "REVOKE CONNECT, TEMPORARY ON DATABASE \"a\" FROM PUBLIC CASCADE",
                  "GRANT CONNECT ON DATABASE \"a\" TO \"u\"",
                  "ALTER ROLE \"a\" IN DATABASE \"a\" SET work_mem = '8MB'",
                  "ALTER ROLE \"u\" IN DATABASE \"a\" SET work_mem = '8MB'"));
}

TEST(PlanDatabase, ARightOneNeedsNothing) {
  Database db = database("a");
  SharedLook look;
  look.roles["a"] = login();
  DatabaseLook now{.owner = "a", .encoding = "UTF8", .provider = "c", .collate = "en_US.utf8",
                   .ctype = "en_US.utf8", .locale = {}, .icu_rules = {}, .tablespace = {}};
  now.acl = parse_acl("a=CTc/a");
  look.databases["a"] = now;
  db.encoding = "utf-8";
  db.locale = "en_US.UTF-8";
  DatabasePlan plan = plan_database(db, true, look, {"a"}, kQuote);
  EXPECT_THAT(sql(plan.steps), IsEmpty());
  EXPECT_THAT(plan.failed, IsEmpty());
  db.encoding = "LATIN1";
  db.locale = "C";
  EXPECT_THAT(plan_database(db, true, look, {"a"}, kQuote).failed, SizeIs(3));
}

TEST(PlanDatabase, WhatAnInterruptedDropLeftIsReplaced) {
  SharedLook look;
  look.databases["a"].owner = "a";
  look.databases["a"].connection_limit = -2;
  const DatabasePlan plan = plan_database(database("a"), false, look, {"a"}, kQuote);
  EXPECT_TRUE(plan.creates);
  EXPECT_THAT(sql(plan.steps),
              ElementsAre("DROP DATABASE \"a\"",
                          "CREATE DATABASE \"a\" OWNER \"a\" TEMPLATE \"template1\""));
}

TEST(PlanDatabase, StrangersLeaveAndReservedRolesStay) {
  SharedLook look;
  for (const char* name : {"a", "b", "boss", "cnpg_pooler_pgbouncer"}) look.roles[name] = login();
  look.roles["boss"].superuser = true;
  look.databases["a"] = {.owner = "a", .encoding = {}, .provider = "c", .collate = {}, .ctype = {},
                         .locale = {}, .icu_rules = {}, .tablespace = {}};
  look.databases["a"].acl =
      parse_acl("a=CTc/a,b=c/a,boss=c/a,cnpg_pooler_pgbouncer=c/a,gone=c/a");
  EXPECT_THAT(sql(plan_database(database("a"), true, look, {"a", "b"}, kQuote).steps),
              ElementsAre("REVOKE CONNECT, TEMPORARY ON DATABASE \"a\" FROM \"b\" CASCADE"));
  EXPECT_THAT(sql(plan_database(database("a"), false, look, {"a", "b"}, kQuote).steps),
              ElementsAre("GRANT CONNECT, TEMPORARY ON DATABASE \"a\" TO PUBLIC"));
}

TEST(PlanDatabase, WhoDoesNotExistIsNamed) {
  Database db = database("a");
  db.entrants = {"a", "ghost"};
  const DatabasePlan plan = plan_database(db, true, {}, {"a"}, kQuote);
  ASSERT_THAT(plan.failed, SizeIs(1));
  EXPECT_THAT(plan.failed[0].message, HasSubstr("ghost"));
  for (const std::string& text : sql(plan.steps)) EXPECT_EQ(text.find("ghost"), text.npos);
}

TEST(PlanMaintenance, ClosesPostgresAndTemplate1) {
  Desired desired;
  desired.maintenance_entrants["postgres"] = {"monitor"};
  SharedLook look;
  for (const char* name : {"postgres", "template1", "template0", "mine"})
    look.databases[name].owner = "postgres";
  EXPECT_THAT(sql(plan_maintenance(desired, look, {"monitor"}, kQuote)),
              ElementsAre("REVOKE CONNECT, TEMPORARY ON DATABASE \"postgres\" FROM PUBLIC CASCADE",
                          "GRANT CONNECT ON DATABASE \"postgres\" TO \"monitor\"",
                          "REVOKE CONNECT, TEMPORARY ON DATABASE \"template1\" FROM PUBLIC CASCADE"));
}

TEST(PlanSessions, EndsStrangersOnly) {
  Desired desired;
  desired.databases = {database("a")};
  SharedLook look;
  look.self = "us";
  look.sessions = {{1, "a", "a"}, {2, "a", "b"},     {3, "postgres", "b"}, {4, "unknown", "b"},
                   {5, "a", "us"}, {6, "a", "cnpg_x"}};
  const auto steps = plan_sessions(desired, look, kQuote);
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_THAT(steps[0].sql, HasSubstr("pid = 2 "));
  EXPECT_THAT(steps[1].sql, HasSubstr("pid = 3 "));
  desired.isolated = false;
  EXPECT_THAT(plan_sessions(desired, look, kQuote), IsEmpty());
}

TEST(PlanAccess, GrantsWhatIsMissingAndTakesSurplus) {
  Database db = database("a");
  db.users = {{"u", Access::kRead}};
  InsideLook look;
  look.schemas["public"] = {"pg_database_owner", parse_acl("=U/pg_database_owner")};
  look.objects = {{'r', "public.t", "public", "a", parse_acl("a=arwdDxt/a,u=arw/a")},
                  {'r', "public.v", "public", "a", {}},
                  {'f', "public.f()", "public", "a", parse_acl("u=X/a")}};
  look.defaults = {{"a", 'r', parse_acl("u=r/a")}, {"a", 'n', parse_acl("u=U/a")},
                   {"a", 'S', parse_acl("u=rw/a")}};
  EXPECT_THAT(sql(plan_access(db, true, look, {"a", "u"}, kQuote)),
              ElementsAre("REVOKE EXECUTE ON ROUTINE public.f() FROM \"u\" CASCADE",
                          "GRANT USAGE ON SCHEMA \"public\" TO \"u\"",
                          "REVOKE INSERT, UPDATE ON TABLE public.t FROM \"u\" CASCADE",
                          "GRANT SELECT ON TABLE public.v TO \"u\"",
                          "ALTER DEFAULT PRIVILEGES FOR ROLE \"a\" REVOKE UPDATE ON SEQUENCES FROM "
                          "\"u\""));
}

// What the owner has granted to friends by himself is his: only both letters together, as we give them, show that
// a role was a user.
TEST(PlanAccess, AFriendOfTheOwnerKeepsWhatHeWasGiven) {
  for (const char kind : {'r', 'S'}) {
    InsideLook look;
    look.schemas["s"] = {"a", parse_acl("friend=U/a")};
    look.defaults = {{"a", kind, parse_acl("friend=r/a")}, {"a", 'n', parse_acl("friend=U/a")}};
    EXPECT_THAT(sql(plan_access(database("a"), true, look, {"a", "friend"}, kQuote)), IsEmpty()) << kind;
  }
}

TEST(PlanAccess, AFormerUserLosesAll) {
  InsideLook look;
  look.schemas["s"] = {"a", parse_acl("u=U/a")};
  for (const char kind : {'r', 'S', 'n'})
    look.defaults.push_back({"a", kind, parse_acl("u=rU/a,friend=r/a")});
  const auto steps = plan_access(database("a"), true, look, {"a", "u", "friend"}, kQuote);
  EXPECT_THAT(sql(steps), ::testing::Contains("REVOKE ALL ON SCHEMA \"s\" FROM \"u\" CASCADE"));
  EXPECT_THAT(sql(steps), ::testing::Contains("ALTER DEFAULT PRIVILEGES FOR ROLE \"a\" REVOKE ALL "
                                              "ON TABLES FROM \"u\""));
}

TEST(Kept, NamesWhatTheFileDoesNot) {
  Desired desired;
  desired.roles = {role("a")};
  desired.databases = {database("a")};
  SharedLook look;
  look.self = "us";
  for (const char* name : {"a", "b", "postgres", "us", "streaming_replica", "cnpg_x", "pg_x"})
    look.roles[name] = login();
  look.roles["group"] = {};
  look.databases["a"], look.databases["b"], look.databases["postgres"];
  look.databases["template1"].is_template = true;
  EXPECT_THAT(kept(desired, look), ElementsAre("database b", "role b"));
}

TEST(Fingerprint, ChangesWithWhatIsInside) {
  const Database plain = database("a");
  std::set<std::string> seen = {fingerprint(plain, true), fingerprint(plain, false)};
  Database db = plain;
  db.owner = "b";
  seen.insert(fingerprint(db, true));
  for (const Schema& schema : {Schema{"s", "", true}, Schema{"", "s", true}, Schema{"s", "", false}}) {
    db = plain;
    db.schemas = {schema};
    seen.insert(fingerprint(db, true));
  }
  db = plain;
  db.extensions = {{"x", "", "", true}};
  seen.insert(fingerprint(db, true));
  db = plain;
  for (const Access access : {Access::kRead, Access::kWrite}) {
    db.users = {{"u", access}};
    seen.insert(fingerprint(db, true));
  }
  EXPECT_THAT(seen, SizeIs(9));
  db = plain;
  db.connection_limit = 3;  // from outside
  EXPECT_EQ(fingerprint(db, true), fingerprint(plain, true));
}

TEST(ExtensionHint, GuessesThePackage) {
  EXPECT_THAT(extension_hint("vector", 16), HasSubstr("postgresql-16-pgvector"));
  EXPECT_THAT(extension_hint("postgis_raster", 15), HasSubstr("postgresql-15-postgis-3"));
  EXPECT_THAT(extension_hint("pg_cron", 17), HasSubstr("postgresql-17-cron"));
  EXPECT_THAT(extension_hint("plpython3u", 15), HasSubstr("postgresql-plpython3-15"));
  EXPECT_THAT(extension_hint("my_ext", 15), HasSubstr("postgresql-15-my-ext"));
}

TEST(SharedStatements, AskWhatTheServerKnows) {
  const auto text = [](int major) { return shared_statements(major)[2].text; };
  EXPECT_EQ(text(14).find("datlocprovider"), std::string::npos);
  EXPECT_THAT(text(15), HasSubstr("daticulocale"));
  EXPECT_THAT(text(16), HasSubstr("daticurules"));
  EXPECT_THAT(text(17), HasSubstr("datlocale"));
}

}  // namespace
}  // namespace dbm::sql
