// The evaluator against PostgreSQL itself: random pg_hba.conf files, real logins, no difference.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "audit/attempt.h"
#include "audit/hba.h"
#include "audit/look.h"
#include "audit/pg_testing.h"

namespace dbm::audit {
namespace {

const std::vector<std::string> kRoles = {"alice", "bob", "all", "team", "+team", "boss", "a b"};
const std::vector<std::string> kDatabases = {"alice",    "team",        "all",
                                             "sameuser", "replication", "a,b"};

/// A name as pg_hba.conf can have it; `quoted` asks for quotes that it does not need.
std::string written(const std::string& name, bool quoted) {
  const bool needs = name.find_first_of(" ,\"") != std::string::npos;
  return quoted || needs ? '"' + name + '"' : name;
}

rc::Gen<std::string> names(std::vector<std::string> from) {
  return rc::gen::map(rc::gen::container<std::vector<std::pair<std::string, bool>>>(rc::gen::pair(
                          rc::gen::elementOf(std::move(from)), rc::gen::arbitrary<bool>())),
                      [](const std::vector<std::pair<std::string, bool>>& list) {
                        std::string out;
                        for (const auto& [name, quoted] : list)
                          if (out.size() < 60)
                            out += (out.empty() ? "" : ",") + written(name, quoted);
                        return out.empty() ? "all" : out;
                      });
}

rc::Gen<std::string> line() {
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::elementOf(
              std::vector<std::string>{"host", "host", "hostnossl", "hostssl", "local"}),
          names({"all", "sameuser", "samerole", "samegroup", "replication", "alice", "team", "a,b",
                 "nobody"}),
          names({"all", "+team", "+nobody", "alice", "bob", "boss", "a b", "team", "+alice"}),
          rc::gen::elementOf(std::vector<std::string>{
              "all", "samehost", "samenet", "127.0.0.0/8", "127.0.0.1/32", "0.0.0.0/0", "::/0",
              "10.0.0.0/8", "127.0.0.1 255.0.0.255", "127.0.0.2/32"}),
          rc::gen::elementOf(std::vector<std::string>{"trust", "reject", "scram-sha-256", "md5"})),
      [](const std::tuple<std::string, std::string, std::string, std::string, std::string>& t) {
        const auto& [type, databases, users, address, method] = t;
        return type + ' ' + databases + ' ' + users + ' ' + (type == "local" ? "" : address + ' ') +
               method;
      });
}

class HbaPgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& role : kRoles)
      server_.must("CREATE ROLE " + server_.admin().identifier(role) +
                   " LOGIN PASSWORD 'known to nobody'");
    server_.must("ALTER ROLE boss SUPERUSER");
    server_.must("GRANT team TO alice");
    server_.must("GRANT team TO boss WITH ADMIN OPTION");
    server_.must("CREATE ROLE outer_team ROLE team");
    for (const std::string& database : kDatabases)
      server_.must("CREATE DATABASE " + server_.admin().identifier(database));
  }

  static Outcome expected(const Decision& decision) {
    if (!decision.open()) return Outcome::kRefusedByHba;
    return decision.rule->method == "trust" ? Outcome::kEntered : Outcome::kAskedForPassword;
  }

  testing::HbaServer server_;
};

TEST_F(HbaPgTest, DecidesAsPostgresqlDoes) {
  const bool same = rc::check([&] {
    const auto lines = *rc::gen::resize(6, rc::gen::container<std::vector<std::string>>(line()));
    server_.load(lines);
    const auto looked = look(server_.admin());
    RC_ASSERT(looked.ok());
    const Server& server = *looked;
    for (const HbaRule& rule : server.rules) RC_ASSERT(!rule.broken());
    const Memberships members(server);
    const Hba hba(server, members);

    std::vector<Attempt> attempts;
    for (uint32_t role = 0; role < server.roles.size(); ++role)
      for (uint32_t database = 0; database < server.databases.size(); ++database)
        if (std::ranges::count(kRoles, server.roles[role].name) != 0 &&
            std::ranges::count(kDatabases, server.databases[database].name) != 0 &&
            *rc::gen::inRange(0, 3) == 0)
          attempts.push_back({.role = role, .database = database});
    run_attempts(server, {{{}, server_.target()}}, {}, {.at_once = 8}, attempts);
    for (const Attempt& attempt : attempts) {
      const Decision decision =
          hba.decide({attempt.role, attempt.database, Way::kPlain, *parse_address("127.0.0.1")});
      RC_LOG() << server.roles[attempt.role].name << " -> "
               << server.databases[attempt.database].name << ": " << attempt.message << '\n';
      RC_ASSERT(decision.sure);
      RC_ASSERT(to_string(attempt.outcome) == to_string(expected(decision)));
      // What one connection gets, some door must be.
      std::vector<Door> doors;
      hba.doors(attempt.role, attempt.database, doors);
      if (decision.open())
        RC_ASSERT(
            std::ranges::any_of(doors, [&](const Door& d) { return d.rule == decision.rule; }));
    }
  });
  EXPECT_TRUE(same);
}

TEST_F(HbaPgTest, TellsPlainFromTls) {
  server_.speak_tls();
  for (const std::string type : {"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}) {
    for (const std::string method : {"trust", "reject", "scram-sha-256"}) {
      server_.load({type + " all bob all " + method, "host all all all scram-sha-256"});
      const auto looked = look(server_.admin());
      ASSERT_TRUE(looked) << looked.error().message;
      EXPECT_TRUE(looked->tls);
      const Memberships members(*looked);
      const Hba hba(*looked, members);
      const uint32_t bob = *members.find("bob");
      for (const bool tls : {false, true}) {
        sql::Target target = server_.target();
        target.ssl_mode = tls ? "require" : "disable";
        std::vector<Attempt> attempts = {{.role = bob, .database = 0}};
        run_attempts(*looked, {{{}, target}}, {}, {}, attempts);
        const Decision decision =
            hba.decide({bob, 0, tls ? Way::kTls : Way::kPlain, *parse_address("127.0.0.1")});
        EXPECT_EQ(to_string(attempts[0].outcome), to_string(expected(decision)))
            << type << ' ' << method << ' ' << tls << ": " << attempts[0].message;
      }
    }
  }
  // sslmode prefer knocks twice: what the better door says is the answer.
  server_.load({"hostssl all bob all scram-sha-256", "host all all all reject"});
  const auto looked = look(server_.admin());
  ASSERT_TRUE(looked);
  sql::Target target = server_.target();
  target.ssl_mode = "prefer";
  std::vector<Attempt> attempts = {{.role = *Memberships(*looked).find("bob"), .database = 0}};
  run_attempts(*looked, {{{}, target}}, {}, {}, attempts);
  EXPECT_EQ(to_string(attempts[0].outcome), "asked for its password") << attempts[0].message;
}

TEST_F(HbaPgTest, ABrokenFileIsSeen) {
  server_.load({"host all all all nonsense"});
  const auto looked = look(server_.admin());
  ASSERT_TRUE(looked) << looked.error().message;
  ASSERT_EQ(looked->rules.size(), 2U);
  EXPECT_TRUE(looked->rules[1].broken());
}

}  // namespace
}  // namespace dbm::audit
