#include "sql/connection_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace dbm::sql {
namespace {

using ::testing::Contains;
using ::testing::Pair;

using Parameters = std::map<std::string, std::string>;

Parameters parameters(const Target& target, int libpq_version = 160000) {
  Parameters out;
  for (const auto& [name, value] : connection_parameters(target, libpq_version)) out.emplace(name, value);
  return out;
}

std::string mode(const std::string& host, const std::string& hostaddr = {}) {
  return parameters({.host = host, .hostaddr = hostaddr})["sslmode"];
}

TEST(ConnectionParameters, OnlyThisMachineIsTrustedWithoutACertificate) {
  for (const char* host : {"", "/run/postgresql", "@abstract", "localhost", "127.0.0.1", "127.8.9.10", "::1",
                           "/run/a,127.0.0.1"})
    EXPECT_EQ(mode(host), "prefer") << host;
  for (const char* host : {"db.example.com", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com",
                           "128.0.0.1", "fe80::1", "127.0.0.1,db.example.com", "/run/a,db.example.com", "0.0.0.0"})
    EXPECT_EQ(mode(host), "verify-full") << host;
  // Where hostaddr is, host is but a name.
  EXPECT_EQ(mode("db.example.com", "127.0.0.1"), "prefer");
  EXPECT_EQ(mode("localhost", "10.0.0.1"), "verify-full");
  EXPECT_EQ(mode("localhost", "127.0.0.1,10.0.0.1"), "verify-full");
}

TEST(ConnectionParameters, AnotherModeIsAskedForByName) {
  for (const char* given : {"disable", "prefer", "require", "verify-ca", "verify-full"})
    EXPECT_EQ(parameters({.host = "db.example.com", .ssl_mode = given})["sslmode"], given);
}

TEST(ConnectionParameters, ChannelBindingNeedsTls) {
  Target target{.host = "db.example.com", .channel_binding = "require"};
  EXPECT_THAT(parameters(target), Contains(Pair("channel_binding", "require")));
  target.ssl_mode = "require";
  EXPECT_THAT(parameters(target), Contains(Pair("channel_binding", "require")));
  target.ssl_mode = "prefer";
  EXPECT_EQ(parameters(target).count("channel_binding"), 0U);
  target = {.host = "/run/postgresql", .ssl_mode = "require", .channel_binding = "require"};
  EXPECT_EQ(parameters(target).count("channel_binding"), 0U);
}

TEST(ConnectionParameters, RequireAuthWhereLibpqKnowsIt) {
  const Target target{.host = "127.0.0.1", .require_auth = "scram-sha-256"};
  EXPECT_THAT(parameters(target, 160000), Contains(Pair("require_auth", "scram-sha-256")));
  EXPECT_EQ(parameters(target, 150013).count("require_auth"), 0U);
}

TEST(ConnectionParameters, HoldNoPasswordAndNoPasswordFile) {
  const Parameters all = parameters({.host = "h", .password = secrets::Secret(std::string("not shown"))});
  for (const auto& [name, value] : all) EXPECT_NE(value, "not shown") << name;
  EXPECT_EQ(all.at("passfile"), "/dev/null/none");
}

}  // namespace
}  // namespace dbm::sql
