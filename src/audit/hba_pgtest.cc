// The evaluator against PostgreSQL itself: random pg_hba.conf files, real logins, no difference.

#include "audit/hba.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/attempt.h"
#include "audit/look.h"
#include "sql/testing.h"

namespace dbm::audit {
namespace {

using dbm::testing::PgServer;

const std::vector<std::string> kRoles = {"alice", "bob", "all", "team", "+team", "boss", "a b"};
const std::vector<std::string> kDatabases = {"alice", "team", "all", "sameuser", "replication", "a,b"};

/// A name as pg_hba.conf can have it; `quoted` asks for quotes that it does not need.
std::string written(const std::string& name, bool quoted) {
  const bool needs = name.find_first_of(" ,\"") != std::string::npos;
  return quoted || needs ? '"' + name + '"' : name;
}

rc::Gen<std::string> names(std::vector<std::string> from) {
  return rc::gen::map(
      rc::gen::container<std::vector<std::pair<std::string, bool>>>(
          rc::gen::pair(rc::gen::elementOf(std::move(from)), rc::gen::arbitrary<bool>())),
      [](const std::vector<std::pair<std::string, bool>>& list) {
        std::string out;
        for (const auto& [name, quoted] : list)
          if (out.size() < 60) out += (out.empty() ? "" : ",") + written(name, quoted);
        return out.empty() ? "all" : out;
      });
}

rc::Gen<std::string> line() {
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::elementOf(std::vector<std::string>{"host", "host", "hostnossl", "hostssl", "local"}),
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
    auto started = PgServer::start();  // one of our own: its pg_hba.conf is written anew and anew
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    admin_.emplace(sql::testing::open(sql::testing::target_of(*server_)));
    for (const std::string& role : kRoles)
      must("CREATE ROLE " + admin_->identifier(role) + " LOGIN PASSWORD 'known to nobody'");
    must("ALTER ROLE boss SUPERUSER");
    must("GRANT team TO alice");
    must("GRANT team TO boss WITH ADMIN OPTION");
    must("CREATE ROLE outer_team ROLE team");
    for (const std::string& database : kDatabases)
      must("CREATE DATABASE " + admin_->identifier(database));
  }

  void must(const std::string& sql) {
    const auto answer = admin_->run(sql);
    ASSERT_TRUE(answer) << answer.failure().message;
  }

  /// The admin comes in as ever; the rest is the test's. Returns when the server goes by it: it tells
  /// its backends before it reads the file, and takes new connections after that.
  void load(const std::vector<std::string>& lines) {
    std::ofstream file(server_->folder() / "data/pg_hba.conf", std::ios::trunc);
    file << "host postgres postgres 127.0.0.1/32 scram-sha-256\n# the rest\n";
    for (const std::string& text : lines) file << text << '\n';
    file.close();
    const std::string before = loaded();
    sql::testing::value(*admin_, "SELECT pg_reload_conf()");
    while (loaded() == before) {
    }
  }
  std::string loaded() { return sql::testing::value(*admin_, "SELECT pg_conf_load_time()"); }

  static Outcome expected(const Decision& decision) {
    if (!decision.open()) return Outcome::kRefusedByHba;
    return decision.rule->method == "trust" ? Outcome::kEntered : Outcome::kAskedForPassword;
  }

  std::unique_ptr<PgServer> server_;
  std::optional<sql::Connection> admin_;
};

TEST_F(HbaPgTest, DecidesAsPostgresqlDoes) {
  const bool same = rc::check([&] {
    const auto lines = *rc::gen::resize(6, rc::gen::container<std::vector<std::string>>(line()));
    load(lines);
    const auto looked = look(*admin_);
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
    run_attempts(server, {{{}, sql::testing::target_of(*server_)}}, {}, {.at_once = 8}, attempts);
    for (const Attempt& attempt : attempts) {
      const Decision decision = hba.decide(
          {attempt.role, attempt.database, Way::kPlain, *parse_address("127.0.0.1")});
      RC_LOG() << server.roles[attempt.role].name << " -> "
               << server.databases[attempt.database].name << ": " << attempt.message << '\n';
      RC_ASSERT(decision.sure);
      RC_ASSERT(to_string(attempt.outcome) == to_string(expected(decision)));
      // What one connection gets, some door must be.
      std::vector<Door> doors;
      hba.doors(attempt.role, attempt.database, doors);
      if (decision.open())
        RC_ASSERT(std::ranges::any_of(doors, [&](const Door& d) { return d.rule == decision.rule; }));
    }
  });
  EXPECT_TRUE(same);
}

TEST_F(HbaPgTest, ABrokenFileIsSeen) {
  load({"host all all all nonsense"});
  const auto looked = look(*admin_);
  ASSERT_TRUE(looked) << looked.error().message;
  ASSERT_EQ(looked->rules.size(), 2U);
  EXPECT_TRUE(looked->rules[1].broken());
}

}  // namespace
}  // namespace dbm::audit
