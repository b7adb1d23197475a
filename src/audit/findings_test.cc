#include "audit/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/testing.h"

namespace dbm::audit {
namespace {

using ::testing::Contains;
using testing::desired;
using ::testing::ElementsAre;
using testing::grant;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::server;

/// Everything that there is to judge, and what came of it.
struct Judged {
  Judged(Server s, sql::Desired d, Expectations expectations = {}, std::vector<Attempt> tried = {})
      : held(std::move(s)),
        wanted(std::move(d)),
        memberships(held),
        expected(held, wanted, memberships, expectations),
        hba(held, memberships),
        matrix(make_matrix(held, expected, hba, ConnectPrivileges(held, memberships),
                           wanted.isolated)),
        attempts(std::move(tried)),
        findings(
            find_all({held, wanted, memberships, expected, hba, matrix, entrances, attempts})) {}

  Cell cell(std::string_view role, std::string_view database) const {
    for (size_t row = 0; row < matrix.roles.size(); ++row)
      for (size_t column = 0; column < matrix.databases.size(); ++column)
        if (held.roles[matrix.roles[row]].name == role &&
            held.databases[matrix.databases[column]].name == database)
          return matrix.at(row, column);
    ADD_FAILURE() << "no " << role << " and " << database;
    return {};
  }
  Verdict verdict(std::string_view role, std::string_view database) const {
    return cell(role, database).verdict;
  }
  /// "error breach role x", one a finding.
  std::vector<std::string> told() const {
    std::vector<std::string> out;
    for (const Finding& f : findings)
      out.push_back((f.error ? "error " : "warning ") + f.code + ' ' + f.object);
    return out;
  }

  const Server held;
  const sql::Desired wanted;
  const Memberships memberships;
  const Expected expected;
  const Hba hba;
  const Matrix matrix;
  const std::vector<Entrance> entrances = {{{}, {}}, {"rw", {}}};
  const std::vector<Attempt> attempts;
  const std::vector<Finding> findings;
};

constexpr std::string_view kOwnDoors[] = {"host orders anna all scram-sha-256",
                                          "host people ben all scram-sha-256"};

Server isolated(int major = 15) {
  return server({"*postgres", "anna", "ben"}, {"-orders:anna", "-people:ben", "-postgres:postgres"},
                {"local all postgres peer", kOwnDoors[0], kOwnDoors[1], "host all all all reject"},
                major);
}
sql::Desired tenants() { return desired({"orders:anna", "people:ben"}); }

TEST(Findings, NothingToSayOfIsolatedTenants) {
  const Judged j(isolated(), tenants());
  EXPECT_THAT(j.told(), IsEmpty());
  EXPECT_EQ(j.verdict("anna", "orders"), Verdict::kOpen);
  EXPECT_EQ(j.verdict("anna", "people"), Verdict::kShut);
  EXPECT_EQ(j.verdict("anna", "postgres"), Verdict::kShut);
  EXPECT_EQ(j.verdict("postgres", "people"), Verdict::kDepends);
}

TEST(Findings, BothLocksMustBeOpen) {
  Server s = server({"anna", "ben"}, {"-orders:anna", "people:ben"}, {"host all all all md5"});
  const Judged j(s, tenants());
  EXPECT_EQ(j.verdict("anna", "people"), Verdict::kBreach);
  EXPECT_EQ(j.cell("ben", "orders").lock, Lock::kPrivilege);
  EXPECT_THAT(j.told(), ElementsAre("error breach role anna", "warning public-connect people"));
}

TEST(Findings, ARoleThatTheFileDoesNotKnowEntersNowhere) {
  const Judged j(server({"anna", "guest"}, {"-orders:anna", "postgres:anna"},
                        {"host all all all scram-sha-256"}),
                 desired({"orders:anna"}));
  EXPECT_EQ(j.verdict("guest", "postgres"), Verdict::kBreach);
  EXPECT_EQ(j.verdict("guest", "orders"), Verdict::kShut);
  EXPECT_THAT(j.told(), Contains("error breach role guest"));
}

TEST(Findings, SuperusersOnlyWhereTheyAreWanted) {
  const Server s =
      server({"*postgres", "anna"}, {"-orders:anna"},
             {"host orders anna all scram-sha-256", "host all postgres all scram-sha-256"});
  EXPECT_THAT(Judged(s, desired({"orders:anna"})).told(),
              ElementsAre("error breach role postgres"));
  EXPECT_THAT(Judged(s, desired({"orders:anna"}), {.superuser_access = true}).told(), IsEmpty());
  EXPECT_THAT(Judged(s, desired({"orders:anna"}), {.service_roles = {"postgres"}}).told(),
              IsEmpty());
}

TEST(Findings, TheOperatorsRolesComeByCertificate) {
  const auto with = [](std::string_view line) {
    return Judged(server({"streaming_replica", "anna"}, {"-orders:anna", "postgres:anna"},
                         {line, "host orders anna all scram-sha-256", "host all all all reject"}),
                  desired({"orders:anna"}))
        .told();
  };
  EXPECT_THAT(with("hostssl postgres streaming_replica all cert"),
              ElementsAre("warning public-connect postgres"));
  EXPECT_THAT(with("host postgres streaming_replica all scram-sha-256"),
              Contains("error breach role streaming_replica"));
}

TEST(Findings, WhoIsShutOut) {
  Server s = isolated();
  s.roles[0].password = PasswordKind::kNone;  // anna
  s.rules.erase(s.rules.begin() + 2);
  sql::Desired d = tenants();
  d.databases.push_back({});
  d.databases.back().name = "lost";
  d.databases.back().entrants = {"nobody"};
  d.roles.push_back({});
  d.roles.back().name = "nobody";
  const Judged j(s, d);
  EXPECT_EQ(j.cell("anna", "orders").lock, Lock::kPassword);
  EXPECT_EQ(j.cell("ben", "people").lock, Lock::kHba);
  EXPECT_THAT(j.told(),
              ElementsAre("error missing-database database lost", "error missing-role role nobody",
                          "error blocked role anna", "error blocked role ben"));
}

TEST(Findings, PasswordsMustFitTheMethod) {
  Server s = isolated();
  s.roles[0].password = PasswordKind::kMd5;
  EXPECT_EQ(Judged(s, tenants()).verdict("anna", "orders"), Verdict::kBlocked);
  s.rules[1].method = "md5";
  EXPECT_EQ(Judged(s, tenants()).verdict("anna", "orders"), Verdict::kOpen);
  s.roles[0].expired = true;
  EXPECT_EQ(Judged(s, tenants()).verdict("anna", "orders"), Verdict::kBlocked);
  s.rules[1].method = "trust";
  EXPECT_THAT(
      Judged(s, tenants()).told(),
      ElementsAre(HasSubstr("error trust line 2 of pg_hba.conf (host orders anna all trust)")));
}

TEST(Findings, PeerIsTheSystemsToSay) {
  const auto verdict = [](std::vector<Mapping> mappings) {
    Server s = server({"anna", "ben"}, {"orders:anna"}, {"local all all peer map=local"});
    s.mappings = std::move(mappings);
    return Judged(s, desired({"orders:ben"})).verdict("anna", "orders");
  };
  EXPECT_EQ(verdict({{"local", "postgres", "postgres"}}), Verdict::kShut);
  EXPECT_EQ(verdict({}), Verdict::kShut);
  EXPECT_EQ(verdict({{"local", "postgres", "anna"}}), Verdict::kDepends);
  EXPECT_EQ(verdict({{"other", "postgres", "anna"}}), Verdict::kShut);
  EXPECT_EQ(verdict({{"local", "/^(.*)$", "\\1"}}), Verdict::kDepends);
}

// CloudNativePG's own line for the machine's socket is no password's fault.
TEST(Findings, WhoMayNotComeByTheSocketIsShutOutByTheFile) {
  Server s = server({"anna"}, {"orders:anna"}, {"local all all peer map=local"});
  s.mappings = {{"local", "postgres", "postgres"}};
  EXPECT_EQ(Judged(s, desired({"orders:anna"})).cell("anna", "orders").lock, Lock::kHba);
}

TEST(Findings, AttributesAndMembershipsThatWiden) {
  Server s = server({"*postgres", "anna", "ben", "+group", "+pg_read_all_data"},
                    {"-orders:anna", "-people:ben"},
                    {kOwnDoors[0], kOwnDoors[1], "host all all all reject"});
  grant(s, "group", "anna");
  grant(s, "ben", "group");
  grant(s, "pg_read_all_data", "ben");
  for (Role& role : s.roles)
    if (role.name == "ben") role.createrole = role.bypassrls = true;
  sql::Desired d = tenants();
  EXPECT_THAT(Judged(s, d).told(),
              ElementsAre("error wide-membership role anna", "error wide-membership role anna",
                          "error wide-role role ben", "error wide-role role ben",
                          "error wide-membership role ben"));
  d.roles[0].in_roles = {"group"};
  d.roles[1].createrole = true;
  EXPECT_THAT(Judged(s, d).told(),
              ElementsAre("error wide-role role ben", "error wide-membership role ben",
                          "warning wide-membership role anna", "warning wide-membership role anna",
                          "warning wide-role role ben"));
}

TEST(Findings, ReplicationIsADoorToEverything) {
  Server s = isolated();
  for (Role& role : s.roles)
    if (role.name == "ben") role.replication = true;
  EXPECT_THAT(Judged(s, tenants()).told(), ElementsAre("error wide-role role ben"));
  s.rules.insert(s.rules.begin(), testing::rule("host replication all all scram-sha-256", 9));
  EXPECT_THAT(Judged(s, tenants()).told(), Contains("error replication-door role ben"));
}

TEST(Findings, GrantsThatNobodyNeeds) {
  Server s = server({"anna", "ben", "+readers", "+lonely"}, {"-orders:anna", "-people:ben"},
                    {kOwnDoors[0], kOwnDoors[1], "host all all all reject"});
  const Oid orders = s.databases[0].oid;
  const auto give = [&](std::string_view role, Privilege privilege) {
    for (const Role& r : s.roles)
      if (r.name == role) s.grants.push_back({orders, r.oid, s.databases[0].owner, privilege});
  };
  grant(s, "readers", "anna");
  give("readers", Privilege::kConnect);
  EXPECT_THAT(Judged(s, tenants()).told(), IsEmpty());
  give("lonely", Privilege::kConnect);
  give("ben", Privilege::kCreate);
  s.grants.push_back({orders, kPublic, s.databases[0].owner, Privilege::kTemporary});
  EXPECT_THAT(Judged(s, tenants()).told(),
              ElementsAre("warning public-temporary orders", "warning surplus-grant role ben",
                          "warning surplus-grant role lonely"));
}

TEST(Findings, SessionsThatShouldNotBe) {
  Server s = isolated();
  const Oid anna = s.roles[0].oid, ben = s.roles[1].oid, people = s.databases[1].oid;
  s.sessions = {{1, ben, people, "10.0.0.1", "app", "today"},
                {2, anna, people, "10.0.0.1", "", "today"}};
  const Judged j(s, tenants());
  EXPECT_THAT(j.told(), ElementsAre("error stray-session role anna"));
  EXPECT_TRUE(j.findings[0].fixable);
  EXPECT_EQ(stray_sessions(j.held, j.memberships, j.expected).size(), 1U);
}

TEST(Findings, WithoutIsolationNothingIsABreach) {
  sql::Desired d = tenants();
  d.isolated = false;
  const Judged j(server({"anna", "ben"}, {"orders:anna", "people:ben"}, {"host all all all md5"}),
                 d);
  EXPECT_EQ(j.verdict("anna", "people"), Verdict::kFree);
  EXPECT_THAT(j.told(), ElementsAre("warning isolation-off cluster main"));
}

TEST(Findings, TheFileItself) {
  Server s = isolated();
  s.file_is_newer = true;
  HbaRule broken;
  broken.line = 7;
  broken.error = "invalid connection type";
  s.rules.push_back(broken);
  EXPECT_THAT(Judged(s, tenants()).told(), ElementsAre("error hba-broken line 7 of pg_hba.conf",
                                                       "warning hba-not-loaded pg_hba.conf"));
}

TEST(Findings, OfAttempts) {
  const auto told = [](Attempt attempt, Server s = isolated()) {
    return Judged(std::move(s), tenants(), {}, {std::move(attempt)}).told();
  };
  constexpr uint32_t kAnna = 0, kOrders = 0, kPeople = 1, kPooler = 1;
  EXPECT_THAT(told({kAnna, kOrders, 0, Outcome::kEntered}), IsEmpty());
  EXPECT_THAT(told({kAnna, kPeople, 0, Outcome::kRefusedByHba}), IsEmpty());
  EXPECT_THAT(told({kAnna, kPeople, kPooler, Outcome::kEntered}),
              ElementsAre("error breach role anna through the pooler rw"));
  EXPECT_THAT(told({kAnna, kPeople, 0, Outcome::kEntered}),
              ElementsAre("error breach role anna", "error door-differs role anna"));
  EXPECT_THAT(told({kAnna, kOrders, kPooler, Outcome::kRefusedByPooler, "login rejected"}),
              ElementsAre("error blocked role anna through the pooler rw"));
  EXPECT_THAT(told({kAnna, kPeople, kPooler, Outcome::kRefusedByPooler, "login rejected"}),
              IsEmpty());
  EXPECT_THAT(told({kAnna, kPeople, kPooler, Outcome::kRefusedByPooler, "query_wait_timeout"}),
              ElementsAre("warning pooler-lets-in pooler rw"));
  EXPECT_THAT(told({kAnna, kOrders, 0, Outcome::kRefusedPassword}),
              ElementsAre("error wrong-password role anna"));
  EXPECT_THAT(told({kAnna, kOrders, 0, Outcome::kAskedForPassword}), IsEmpty());
  EXPECT_THAT(told({kAnna, kOrders, 0, Outcome::kPasswordWithheld}),
              ElementsAre("warning password-withheld role anna"));
  EXPECT_THAT(told({kAnna, kPeople, 0, Outcome::kNoAnswer}),
              ElementsAre("error no-answer role anna"));
}

TEST(Findings, NamesAreSafeAndShort) {
  EXPECT_EQ(list_names({"a", "b"}), "a and b");
  EXPECT_EQ(list_names({"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}),
            "1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
  EXPECT_THAT(list_names({"a\x1B[31m"}), Not(HasSubstr("\x1B")));
  EXPECT_EQ(describe(testing::rule("host \"all\",b +c 10.0.0.0/255.0.0.0 md5", 4)),
            "line 4 of pg_hba.conf (host \"all\",b +c 10.0.0.0/255.0.0.0 md5)");
}

}  // namespace
}  // namespace dbm::audit
