#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "secrets/connection.h"
#include "testing/pg_client.h"
#include "testing/pg_server.h"

namespace dbm::secrets {
namespace {

using dbm::testing::PgClient;
using dbm::testing::PgServer;

/// The texts say port 5432; the test's server is on another.
std::string with_port(std::string_view text, const PgServer& server) {
  std::string out(text);
  const std::string address = server.host() + ":5432";
  const size_t at = out.find(address);
  EXPECT_NE(at, out.npos);
  if (at != out.npos) out.replace(at, address.size(), server.host() + ':' + server.port());
  return out;
}

struct Names {
  const char *user, *database, *password;
};

// Each character in each place, and each kind of name as a whole.
constexpr Names kNames[] = {
    {"plain", "plaindb", "Secret123"},
    {"o'b r:i@n/%?#&=+\\\"$;,[]{}|^`~!<>", "d'b r:i@n/%?#&=+\\\"$;,[]{}|^`~!<>",
     "p'w r:i@n/%?#&=+\\\"$;,[]{}|^`~!<>"},
    {"%41", "%2F", "%00"},
    {"\u00fcser", "\u6f22\u5b57", "p\u00e4ss\u00f8rd"},
    {"*", "\\", ":"},
    {"ends\\", "ends:", "ends\\"},
    {" ", "postgresql://x@y/z", "user=x password=y"},
    {"#comment", "dbname=x", "#"},
};

class ConnectionPgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(PgServer::shared()) << PgServer::shared().error().message;
    unsetenv("PGPASSWORD");  // would go before the password file
    const PgClient admin(server());
    ASSERT_TRUE(admin.ok()) << admin.error();
    for (const auto& [user, database, password] : kNames) {
      const std::string role = admin.identifier(user), name = admin.identifier(database);
      // There already, when another test had this server.
      ASSERT_TRUE(admin.run("DROP DATABASE IF EXISTS " + name)) << admin.error();
      ASSERT_TRUE(admin.run("DROP ROLE IF EXISTS " + role)) << admin.error();
      ASSERT_TRUE(admin.run("CREATE ROLE " + role + " LOGIN PASSWORD " + admin.literal(password)))
          << admin.error();
      ASSERT_TRUE(admin.run("CREATE DATABASE " + name + " OWNER " + role)) << admin.error();
    }
  }

  static const PgServer& server() { return **PgServer::shared(); }

  static void expect_logged_in(const PgClient& client, const Names& names) {
    EXPECT_TRUE(client.ok()) << client.error();
    EXPECT_EQ(client.value("SELECT current_user"), names.user);
    EXPECT_EQ(client.value("SELECT current_database()"), names.database);
  }

  static void expect_refused(const PgClient& client) {
    EXPECT_FALSE(client.ok());
    EXPECT_THAT(client.error(), ::testing::HasSubstr("password authentication failed"));
  }

  /// Logs in with the password that a file of this content has.
  static PgClient with_pgpass(std::string_view content, const Names& names) {
    const std::string file = server().folder() / "pgpass";
    std::ofstream(file) << content;
    EXPECT_EQ(chmod(file.c_str(), 0600), 0);
    return PgClient({{"host", server().host()},
                     {"port", server().port()},
                     {"user", names.user},
                     {"dbname", names.database},
                     {"passfile", file}});
  }
};

TEST_F(ConnectionPgTest, UriLogsIn) {
  for (const Names& names : kNames) {
    SCOPED_TRACE(names.user);
    const auto uri = [&](std::string_view password) {
      Connection way(names.user, password, names.database);
      return with_port(way.uri(server().host()), server());
    };
    expect_logged_in(PgClient(uri(names.password)), names);
    expect_refused(PgClient(uri("wrong")));
  }
}

TEST_F(ConnectionPgTest, PgpassLogsIn) {
  const auto line = [](std::string_view user, std::string_view password,
                       std::string_view database) {
    Connection way(user, password, database);
    return with_port(way.pgpass(server().host()), server());
  };
  for (const Names& names : kNames) {
    SCOPED_TRACE(names.user);
    const auto& [user, database, password] = names;
    const std::string own = line(user, password, database);
    expect_logged_in(with_pgpass(own, names), names);
    // Among other lines only its own counts.
    const std::string others = line("other", "wrong", database) + line(user, "wrong", "elsewhere");
    expect_logged_in(with_pgpass(others + own, names), names);
    expect_refused(with_pgpass(line(user, "wrong", database), names));
  }
}

}  // namespace
}  // namespace dbm::secrets
