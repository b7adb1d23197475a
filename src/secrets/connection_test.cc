#include "secrets/connection.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace dbm::secrets {
namespace {

std::string percent_encoded(std::string_view text) {
  std::string out;
  append_percent_encoded(out, text);
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

TEST(Connection, Plain) {
  Connection way("app", "Secret123", "appdb");
  EXPECT_EQ(way.uri("main-rw"), "postgresql://app:Secret123@main-rw:5432/appdb");
  EXPECT_EQ(way.jdbc_uri("main-rw"),
            "jdbc:postgresql://main-rw:5432/appdb?password=Secret123&user=app");
  EXPECT_EQ(way.jdbc_url("main-rw"), "jdbc:postgresql://main-rw:5432/appdb");
  EXPECT_EQ(way.pgpass("main-rw"), "main-rw:5432:appdb:app:Secret123\n");
}

TEST(Connection, Awkward) {
  Connection way("o'b r:i@n", "p/w%?#&=+\\\"$", "d b/\u00fc");
  constexpr std::string_view kHost = "main-rw.prod.svc";
  EXPECT_EQ(way.uri(kHost),
            "postgresql://o%27b%20r%3Ai%40n:p%2Fw%25%3F%23%26%3D%2B%5C%22%24@main-rw.prod.svc:5432/"
            "d%20b%2F%C3%BC");
  EXPECT_EQ(way.jdbc_uri(kHost),
            "jdbc:postgresql://main-rw.prod.svc:5432/d%20b%2F%C3%BC"
            "?password=p%2Fw%25%3F%23%26%3D%2B%5C%22%24&user=o%27b%20r%3Ai%40n");
  EXPECT_EQ(way.jdbc_url(kHost), "jdbc:postgresql://main-rw.prod.svc:5432/d%20b%2F%C3%BC");
  EXPECT_EQ(way.pgpass(kHost), "main-rw.prod.svc:5432:d b/\u00fc:o'b r\\:i@n:p/w%?#&=+\\\\\"$\n");
}

// No call leaves anything in the next one's text.
TEST(Connection, ManyHostsInAnyOrder) {
  Connection way("u", "p", "d");
  const auto check = [&](const std::string& host) {
    EXPECT_EQ(way.pgpass(host), host + ":5432:d:u:p\n");
    EXPECT_EQ(way.jdbc_uri(host), "jdbc:postgresql://" + host + ":5432/d?password=p&user=u");
    EXPECT_EQ(way.uri(host), "postgresql://u:p@" + host + ":5432/d");
    EXPECT_EQ(way.jdbc_url(host), "jdbc:postgresql://" + host + ":5432/d");
  };
  for (const std::string host : {"a-rather-long-name-rw", "b", "main-ro.prod.svc.cluster.local"})
    check(host);
}

TEST(PercentEncoded, Characters) {
  EXPECT_EQ(percent_encoded(""), "");
  EXPECT_EQ(percent_encoded("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encoded(" @:/%?#"), "%20%40%3A%2F%25%3F%23");
  EXPECT_EQ(percent_encoded("!$&'()*+,;=[]"), "%21%24%26%27%28%29%2A%2B%2C%3B%3D%5B%5D");
  EXPECT_EQ(percent_encoded("%41"), "%2541");
  EXPECT_EQ(percent_encoded("\u00fc\u6f22\U0001f418"), "%C3%BC%E6%BC%A2%F0%9F%90%98");
  EXPECT_EQ(percent_encoded(std::string_view("\0\n\xff", 3)), "%00%0A%FF");
}

TEST(PercentEncoded, Appends) {
  std::string out = "a b";
  append_percent_encoded(out, "c d");
  append_percent_encoded(out, "ef");
  EXPECT_EQ(out, "a bc%20def");
}

TEST(PercentEncoded, DecodingGivesTheInputBack) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const std::string encoded = percent_encoded(text);
    RC_ASSERT(percent_decoded(encoded) == text);
    RC_ASSERT(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-._~%") == encoded.npos);
  }));
}

// Whatever the names hold, the URI falls apart at the right places.
TEST(Connection, UriPartsComeBack) {
  EXPECT_TRUE(rc::check(
      [](const std::string& user, const std::string& password, const std::string& database) {
        Connection way(user, password, database);
        const std::string whole(way.uri("host"));
        std::string_view rest = whole;
        const auto take = [&](std::string_view end) {
          const size_t at = rest.find(end);
          RC_ASSERT(at != rest.npos);
          const std::string_view part = rest.substr(0, at);
          rest.remove_prefix(at + end.size());
          return percent_decoded(part);
        };
        RC_ASSERT(take("://") == "postgresql");
        RC_ASSERT(take(":") == user);
        RC_ASSERT(take("@") == password);
        RC_ASSERT(take(":") == "host");
        RC_ASSERT(take("/") == "5432");
        RC_ASSERT(percent_decoded(rest) == database);

        const std::string jdbc(way.jdbc_uri("host"));
        rest = jdbc;
        RC_ASSERT(take("://") == "jdbc:postgresql");
        RC_ASSERT(take(":") == "host");
        RC_ASSERT(take("/") == "5432");
        RC_ASSERT(take("?password=") == database);
        RC_ASSERT(take("&user=") == password);
        RC_ASSERT(percent_decoded(rest) == user);
      }));
}

TEST(Connection, PgpassEscapesBackslashAndColon) {
  EXPECT_EQ(Connection("a:b", "c\\d", "\\:").pgpass("h"), "h:5432:\\\\\\::a\\:b:c\\\\d\n");
  EXPECT_EQ(Connection("u", ":\\", "d").pgpass("h"), "h:5432:d:u:\\:\\\\\n");
  EXPECT_EQ(Connection("a b#", "*'\"", "\u00fc").pgpass("h"), "h:5432:\u00fc:a b#:*'\"\n");
}

// Read as libpq does: a backslash makes the next character plain, a colon ends a field.
TEST(Connection, PgpassFieldsComeBack) {
  EXPECT_TRUE(rc::check(
      [](const std::string& user, const std::string& password, const std::string& database) {
        const std::string line(Connection(user, password, database).pgpass("host"));
        std::array<std::string, 5> fields;
        size_t field = 0;
        for (size_t i = 0; i + 1 < line.size(); ++i) {
          if (line[i] == ':') {
            ++field;
            RC_ASSERT(field < fields.size());
          } else {
            if (line[i] == '\\') ++i;
            fields[field] += line[i];
          }
        }
        RC_ASSERT(line.back() == '\n');
        RC_ASSERT((fields == std::array<std::string, 5>{"host", "5432", database, user, password}));
      }));
}

}  // namespace
}  // namespace dbm::secrets
