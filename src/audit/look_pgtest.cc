#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <string>

#include "audit/look.h"
#include "audit/privileges.h"
#include "sql/testing.h"

namespace dbm::audit {
namespace {

using dbm::testing::PgServer;
using sql::testing::value;
using ::testing::Contains;
using ::testing::Field;

class LookPgTest : public ::testing::Test {
 protected:
  static constexpr int kRoles = 7, kDatabases = 4;

  void SetUp() override {
    ASSERT_TRUE(PgServer::shared()) << PgServer::shared().error().message;
    admin_.emplace(sql::testing::open(target()));
    for (int i = 0; i < kRoles; ++i) value(*admin_, "CREATE ROLE " + role(i) + " LOGIN");
    value(*admin_, "ALTER ROLE " + role(0) + " SUPERUSER");
    for (int i = 0; i < kDatabases; ++i)
      value(*admin_, "CREATE DATABASE " + database(i) + " OWNER " + role(i + 1));
  }
  void TearDown() override {
    for (int i = 0; i < kDatabases; ++i) value(*admin_, "DROP DATABASE " + database(i));
    for (int i = 0; i < kRoles; ++i) value(*admin_, "DROP ROLE " + role(i));
  }
  static sql::Target target() { return sql::testing::target_of(**PgServer::shared()); }
  static std::string role(int i) { return "look_r" + std::to_string(i); }
  static std::string database(int i) { return "look_d" + std::to_string(i); }

  Server looked() {
    auto out = look(*admin_);
    EXPECT_TRUE(out) << out.error().message;
    return std::move(*out);
  }

  std::optional<sql::Connection> admin_;
};

// One query's expansion says what a question a pair would.
TEST_F(LookPgTest, ExpandedAclsSayWhatHasDatabasePrivilegeSays) {
  const bool same = rc::check([&] {
    const auto any_role = rc::gen::inRange(0, kRoles);
    const auto any_database = rc::gen::inRange(0, kDatabases);
    std::vector<sql::Statement> changes = {{"BEGIN"}};
    for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
      const int member = *any_role, group = *any_role;
      if (group < member) changes.push_back({"GRANT " + role(group) + " TO " + role(member)});
    }
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      changes.push_back({"ALTER ROLE " + role(*any_role) + " NOINHERIT"});
    for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
      const std::string on = " ON DATABASE " + database(*any_database);
      const std::string other = role(*any_role);
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          changes.push_back({"REVOKE CONNECT" + on + " FROM PUBLIC"});
          break;
        case 1:
          changes.push_back({"REVOKE ALL" + on + " FROM PUBLIC, " + other});
          break;
        case 2:
          changes.push_back({"GRANT TEMPORARY" + on + " TO " + other});
          break;
        default:
          changes.push_back({"GRANT CONNECT" + on + " TO " + other});
      }
    }
    for (const sql::Statement& change : changes) RC_ASSERT(admin_->run(change).ok());
    const Server server = looked();
    const Memberships members(server);
    const ConnectPrivileges privileges(server, members);
    const auto answers = admin_->run(
        "SELECT r.rolname, d.datname, has_database_privilege(r.oid, d.oid, 'CONNECT') "
        "FROM pg_roles r, pg_database d ORDER BY r.rolname COLLATE \"C\", d.datname COLLATE \"C\"");
    RC_ASSERT(admin_->run("ROLLBACK").ok());
    RC_ASSERT(answers.ok());
    RC_ASSERT(answers->size() == server.roles.size() * server.databases.size());
    size_t row = 0;
    for (uint32_t r = 0; r < server.roles.size(); ++r)
      for (uint32_t d = 0; d < server.databases.size(); ++d, ++row) {
        RC_ASSERT(server.roles[r].name == answers->at(row, 0));
        RC_LOG() << server.roles[r].name << ' ' << server.databases[d].name << '\n';
        RC_ASSERT(privileges.may_connect(r, d) == answers->flag(row, 2));
      }
  });
  EXPECT_TRUE(same);
}

TEST_F(LookPgTest, RolesAndSessionsAreSeen) {
  value(*admin_, "ALTER ROLE look_r1 PASSWORD 'x' VALID UNTIL '2001-01-01'");
  value(*admin_, "GRANT pg_read_all_data TO look_r2");
  sql::Target other = target();
  other.database = database(2);
  other.application_name = "left over";
  const sql::Connection session = sql::testing::open(other);
  const Server server = looked();
  EXPECT_EQ(server.user, "postgres");
  EXPECT_FALSE(server.file_is_newer);
  EXPECT_THAT(server.sessions, Contains(Field(&Session::application, "left over")));
  const Memberships members(server);
  const Role& expired = server.roles[*members.find("look_r1")];
  EXPECT_TRUE(expired.expired);
  EXPECT_EQ(expired.password, PasswordKind::kScram);
  EXPECT_EQ(server.roles[*members.find("look_r2")].password, PasswordKind::kNone);
  EXPECT_TRUE(members.is_member(*members.find("look_r2"), *members.find("pg_read_all_data"),
                                Memberships::By::kInherit));
  for (const HbaRule& rule : server.rules)
    for (const HbaToken& token : rule.databases) EXPECT_EQ(token.quoted, Quoted::kNo) << token.text;
}

TEST_F(LookPgTest, InsidesAreLookedAt) {
  sql::Target at = target();
  at.database = database(1);
  sql::Connection inside = sql::testing::open(at);
  value(inside, "GRANT CREATE ON SCHEMA public TO PUBLIC");
  ASSERT_EQ(value(inside, "CREATE EXTENSION dblink"), "no row");
  value(inside, "CREATE EXTENSION postgres_fdw");
  Server server = looked();
  look_inside(server, target(), 2);
  const auto find = [&](int i) -> const Inside& {
    for (const Inside& one : server.inside)
      for (const Database& d : server.databases)
        if (d.oid == one.database && d.name == database(i)) return one;
    std::abort();
  };
  EXPECT_TRUE(find(1).public_creates);
  EXPECT_THAT(find(1).bridges, ::testing::ElementsAre("the extension dblink"));
  EXPECT_FALSE(find(0).public_creates);
  EXPECT_THAT(find(0).bridges, ::testing::IsEmpty());

  value(inside, "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO look_r2");
  server.inside.clear();
  look_inside(server, target(), 2);
  EXPECT_THAT(find(1).bridges, Contains("the foreign-data wrapper postgres_fdw"));
  value(inside, "REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM look_r2");
}

TEST_F(LookPgTest, WhoIsNoSuperuserIsToldWhatIsNeeded) {
  value(*admin_, "ALTER ROLE look_r1 PASSWORD 'pencil'");
  sql::Target plain = target();
  plain.user = "look_r1";
  plain.password = secrets::Secret("pencil");
  sql::Connection connection = sql::testing::open(plain);
  const auto server = look(connection);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().hint, ::testing::HasSubstr("superuser"));
}

}  // namespace
}  // namespace dbm::audit
