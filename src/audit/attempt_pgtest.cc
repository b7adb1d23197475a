#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>

#include "audit/attempt.h"
#include "audit/look.h"
#include "audit/memberships.h"
#include "audit/pg_testing.h"

namespace dbm::audit {
namespace {

/// A port of the loopback that takes connections and never says a word.
class Silence {
 public:
  Silence() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(listen(socket_, 64), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Silence() { close(socket_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  int port() const { return port_; }

 private:
  int socket_, port_ = 0;
};

TEST(AttemptPgTest, EveryAnswerIsToldApart) {
  testing::HbaServer server;
  for (const char* role : {"owner", "stranger", "cut_off"})
    server.must(std::string("CREATE ROLE ") + role + " LOGIN PASSWORD 'pencil'");
  server.must("CREATE ROLE sleeper PASSWORD 'pencil'");
  server.must("CREATE DATABASE shop OWNER owner");
  server.must("REVOKE CONNECT ON DATABASE shop FROM PUBLIC");
  server.load({"host shop owner,cut_off,sleeper all scram-sha-256", "host all all all reject"});
  const auto looked = look(server.admin());
  ASSERT_TRUE(looked) << looked.error().message;
  const Memberships members(*looked);
  const auto role = [&](std::string_view name) { return *members.find(name); };
  uint32_t shop = 0;
  while (looked->databases[shop].name != "shop") ++shop;

  const Silence silence;
  sql::Target silent = server.target(), closed = server.target();
  silent.port = silence.port();
  closed.port = 1;
  const std::vector<Entrance> entrances = {
      {{}, server.target(), false}, {"pooler", server.target()}, {"silent", silent}, {"closed", closed}};
  const secrets::Secret right("pencil"), wrong("pen");
  struct Case {
    std::string_view role;
    uint32_t entrance;
    const secrets::Secret* password;
    Outcome expected;
  };
  const Case cases[] = {
      {"owner", 0, &right, Outcome::kEntered},
      {"owner", 0, &wrong, Outcome::kRefusedPassword},
      {"owner", 0, nullptr, Outcome::kAskedForPassword},
      {"cut_off", 0, &right, Outcome::kNoPrivilege},
      {"stranger", 0, &right, Outcome::kRefusedByHba},
      {"sleeper", 0, &right, Outcome::kRefused},
      {"owner", 1, &right, Outcome::kEntered},
      {"stranger", 1, &right, Outcome::kRefusedByHba},  // it is the server, called a pooler
      {"sleeper", 1, &right, Outcome::kRefusedByPooler},
      {"owner", 2, &right, Outcome::kNoAnswer},
      {"owner", 3, &right, Outcome::kNoAnswer},
  };
  for (const Case& c : cases) {
    std::vector<Attempt> attempts = {
        {.role = role(c.role), .database = shop, .entrance = c.entrance}};
    AttemptOptions options;
    if (c.entrance == 2) options.timeout = std::chrono::milliseconds(100);
    run_attempts(
        *looked, entrances, [&](std::string_view) { return c.password; }, options, attempts);
    EXPECT_EQ(to_string(attempts[0].outcome), to_string(c.expected))
        << c.role << " at " << c.entrance << ": " << attempts[0].message;
    EXPECT_EQ(attempts[0].message.empty(), c.expected == Outcome::kEntered);
  }
}

// More logins at once than the server has room for: all get their answer in the end.
TEST(AttemptPgTest, ManyAtOnce) {
  testing::HbaServer server;
  server.must("CREATE ROLE owner LOGIN PASSWORD 'pencil' CONNECTION LIMIT 2");
  server.load({"host all owner all scram-sha-256"});
  const auto looked = look(server.admin());
  ASSERT_TRUE(looked) << looked.error().message;
  const secrets::Secret right("pencil");
  const std::vector<Attempt> one =
      choose_attempts(*looked, Sample::kAll, 1, {}, [](uint32_t, uint32_t) { return true; });
  std::vector<Attempt> attempts;
  for (int i = 0; i < 20; ++i) attempts.insert(attempts.end(), one.begin(), one.end());
  ASSERT_EQ(attempts.size(), 40U);  // postgres and template1
  run_attempts(
      *looked, {{{}, server.target(), /*is_pooler=*/false}}, [&](std::string_view) { return &right; }, {.at_once = 4},
      attempts);
  for (const Attempt& attempt : attempts)
    if (attempt.outcome != Outcome::kEntered) {
      EXPECT_EQ(to_string(attempt.outcome), "refused") << attempt.message;
      EXPECT_NE(attempt.message.find("too many connections"), std::string::npos);
    }
}

TEST(AttemptChoice, IsTheSameEachTimeAndCoversWhatMatters) {
  Server server;
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(100 + i);
    server.roles.push_back({.oid = 1, .name = "r" + number, .login = true});
    server.databases.push_back({.oid = 1, .owner = 0, .name = "d" + number});
  }
  server.databases.push_back({.oid = 1, .owner = 0, .name = "postgres"});
  server.databases.push_back({.oid = 1, .owner = 0, .name = "template0", .accepts = false});
  const auto own = [](uint32_t role, uint32_t database) { return role == database; };
  const auto chosen = choose_attempts(server, Sample::kSome, 2, {"r100"}, own);
  EXPECT_EQ(chosen.size(), 19U * 2 * (1 + 1 + 3));
  std::map<uint32_t, int> owns, maintenance;
  for (const Attempt& a : chosen) {
    owns[a.role] += own(a.role, a.database) ? 1 : 0;
    maintenance[a.role] += a.database == 20 ? 1 : 0;
    EXPECT_NE(a.role, 0U);
    EXPECT_NE(a.database, 21U);
  }
  for (const auto& [role, count] : owns) EXPECT_EQ(count, 2);
  for (const auto& [role, count] : maintenance) EXPECT_EQ(count, 2);
  const auto again = choose_attempts(server, Sample::kSome, 2, {"r100"}, own);
  for (size_t i = 0; i < chosen.size(); ++i) EXPECT_EQ(chosen[i].database, again[i].database);
  EXPECT_EQ(choose_attempts(server, Sample::kAll, 1, {}, own).size(), 20U * 21);
  EXPECT_TRUE(choose_attempts(server, Sample::kNone, 1, {}, own).empty());
}

}  // namespace
}  // namespace dbm::audit
