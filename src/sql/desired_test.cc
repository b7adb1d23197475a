#include "sql/desired.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/testing.h"
#include "sql/timestamp.h"

namespace dbm::sql {
namespace {

using spec::testing::cluster;
using spec::testing::Loaded;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Desired desired(const std::string& body) {
  const Loaded file(cluster(body));
  EXPECT_FALSE(file.file.diagnostics.has_errors()) << file.said();
  const auto plans = render::plan_clusters(file.values);
  return desired_of(file.values, plans.at(0), {});
}

std::vector<std::string> names(const std::vector<Role>& roles) {
  std::vector<std::string> out;
  for (const Role& role : roles) out.push_back(role.name);
  return out;
}

TEST(DesiredOf, TakesTenants) {
  const Desired d = desired(
      "    databases:\n"
      "    - {name: b, owner: x}\n"
      "    - {name: a, owner: x, users: [{name: w, access: write}, {name: r, access: read}]}\n");
  EXPECT_EQ(d.cluster, "main");
  EXPECT_TRUE(d.isolated);
  EXPECT_THAT(names(d.roles), ElementsAre("r", "w", "x"));
  for (const Role& role : d.roles) {
    EXPECT_TRUE(role.login && role.has_password && role.tenant && role.present && role.inherit);
    EXPECT_EQ(role.connection_limit, -1);
  }
  ASSERT_EQ(d.databases.size(), 2U);
  EXPECT_EQ(d.databases[0].name, "b");
  EXPECT_THAT(d.databases[0].entrants, ElementsAre("x"));
  const Database& a = d.databases[1];
  EXPECT_EQ(a.owner, "x");
  EXPECT_THAT(a.entrants, ElementsAre("r", "w", "x"));
  ASSERT_EQ(a.users.size(), 2U);
  EXPECT_EQ(a.users[0].access, Access::kWrite);
  EXPECT_EQ(a.users[1].access, Access::kRead);
}

TEST(DesiredOf, DatabaseFieldsAndWhatIsPassedThrough) {
  const Desired d = desired(
      "    databases:\n"
      "    - name: a\n      owner: x\n      encoding: UTF8\n      locale: C\n"
      "      connectionLimit: 9\n      reclaimPolicy: delete\n      ensure: absent\n"
      "      schemas: [{name: app, owner: x}, {name: old, ensure: absent}]\n"
      "      extensions: [{name: vector, version: '0.5', schema: app}]\n"
      "      additionalDatabaseSpec: {template: template0, isTemplate: true, localeProvider: icu, "
      "icuLocale: en, allowConnections: false, tablespace: fast, fdws: [{name: f}]}\n");
  const Database& db = d.databases.at(0);
  EXPECT_FALSE(db.present);
  EXPECT_TRUE(db.drop_when_gone);
  EXPECT_EQ(db.encoding, "UTF8");
  EXPECT_EQ(db.locale, "C");
  EXPECT_EQ(db.connection_limit, 9);
  EXPECT_EQ(db.template_name, "template0");
  EXPECT_EQ(db.is_template, true);
  EXPECT_EQ(db.allow_connections, false);
  EXPECT_EQ(db.locale_provider, "icu");
  EXPECT_EQ(db.icu_locale, "en");
  EXPECT_EQ(db.tablespace, "fast");
  EXPECT_THAT(db.not_made, ElementsAre("fdws"));
  ASSERT_EQ(db.schemas.size(), 2U);
  EXPECT_EQ(db.schemas[0].owner, "x");
  EXPECT_FALSE(db.schemas[1].present);
  ASSERT_EQ(db.extensions.size(), 1U);
  EXPECT_EQ(db.extensions[0].version, "0.5");
  EXPECT_EQ(db.extensions[0].schema, "app");
}

TEST(DesiredOf, LimitsOfTheDatabaseGoBeforeTheDefaults) {
  const Desired d = desired(
      "    defaults: {limits: {connections: 5, statementTimeout: 30s, workMem: 4MB}}\n"
      "    databases:\n"
      "    - {name: a, owner: x}\n"
      "    - {name: b, owner: x, limits: {statementTimeout: 1min, lockTimeout: 2s}}\n");
  EXPECT_THAT(d.databases[0].settings,
              ElementsAre(Pair("statement_timeout", "30s"), Pair("work_mem", "4MB")));
  EXPECT_EQ(d.databases[0].connection_limit, 5);
  EXPECT_THAT(d.databases[1].settings,
              ElementsAre(Pair("lock_timeout", "2s"), Pair("statement_timeout", "1min"),
                          Pair("work_mem", "4MB")));
}

TEST(DesiredOf, RolesOfTheirOwnAndFromTheClusterSpec) {
  const Desired d = desired(
      "    databases: [{name: a, owner: x}]\n"
      "    roles:\n"
      "      group: {login: false, comment: all of us}\n"
      "      job: {login: true, inRoles: [group, alpha], connectionLimit: 3, "
      "validUntil: '2026-01-31T10:00:00+01:00'}\n"
      "      x: {createdb: true}\n"
      "    isolation: {allow: [{role: job, databases: [a, postgres]}, {role: more, databases: "
      "[a]}]}\n"
      "    additionalClusterSpec: {managed: {roles: [{name: more, login: true}, {name: gone, "
      "ensure: absent}]}}\n");
  EXPECT_THAT(names(d.roles), ElementsAre("gone", "group", "job", "more", "x"));
  EXPECT_FALSE(d.roles[0].present);
  EXPECT_FALSE(d.roles[1].login);
  EXPECT_FALSE(d.roles[1].has_password);
  EXPECT_EQ(d.roles[1].comment, "all of us");
  const Role& job = d.roles[2];
  EXPECT_TRUE(job.login && job.has_password);
  EXPECT_FALSE(job.tenant);
  EXPECT_EQ(job.connection_limit, 3);
  EXPECT_EQ(job.valid_until, "2026-01-31 09:00:00+00");
  EXPECT_THAT(job.in_roles, ElementsAre("alpha", "group"));
  EXPECT_FALSE(d.roles[3].has_password);  // not of our Secrets
  EXPECT_TRUE(d.roles[4].createdb && d.roles[4].login && d.roles[4].tenant);
  EXPECT_THAT(d.databases[0].entrants, ElementsAre("job", "more", "x"));
  EXPECT_THAT(d.maintenance_entrants, ElementsAre(Pair("postgres", ElementsAre("job"))));
}

TEST(DesiredOf, AllIsADatabasesName) {
  const Desired d = desired(
      "    databases: [{name: a, owner: x}, {name: all, owner: x}]\n"
      "    isolation: {enabled: false, allow: [{role: y, databases: [all]}]}\n");
  EXPECT_FALSE(d.isolated);
  EXPECT_THAT(d.databases[0].entrants, ElementsAre("x"));
  EXPECT_THAT(d.databases[1].entrants, ElementsAre("x", "y"));
}

TEST(DesiredOf, IsOfOneClusterOfSeveral) {
  const Loaded file(
      "clusters:\n"
      "  one: {enabled: true, databases: [{name: a, owner: a}]}\n"
      "  two: {enabled: true, databases: [{name: b, owner: b}]}\n"
      "extraObjects:\n- {apiVersion: postgresql.cnpg.io/v1, kind: Database, metadata: {name: z}}\n");
  const auto plans = render::plan_clusters(file.values);
  ASSERT_EQ(plans.size(), 2U);
  const Desired d = desired_of(file.values, plans[1], {});
  EXPECT_THAT(names(d.roles), ElementsAre("b"));
  ASSERT_EQ(d.databases.size(), 1U);
  EXPECT_EQ(d.databases[0].name, "b");
}

TEST(DesiredOf, NothingOfNothing) {
  const Desired d = desired("");
  EXPECT_THAT(d.roles, IsEmpty());
  EXPECT_THAT(d.databases, IsEmpty());
}

TEST(UtcText, IsAsPostgresWritesIt) {
  EXPECT_EQ(utc_text("2026-01-31T10:00:00Z"), "2026-01-31 10:00:00+00");
  EXPECT_EQ(utc_text("2026-01-01T00:30:00+01:00"), "2025-12-31 23:30:00+00");
  EXPECT_EQ(utc_text("2024-02-28T23:30:00.120-00:45"), "2024-02-29 00:15:00.12+00");
  EXPECT_EQ(utc_text("2024-02-28T23:30:00.12345678Z"), "2024-02-28 23:30:00.123456+00");
  EXPECT_EQ(utc_text("2024-02-28T23:30:00.000Z"), "2024-02-28 23:30:00+00");
  EXPECT_EQ(utc_text("infinity"), "infinity");
  EXPECT_EQ(utc_text(""), "");
}

}  // namespace
}  // namespace dbm::sql
