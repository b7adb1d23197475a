#pragma once

// What an application needs to connect, in the spellings it may want. The names of the keys are
// CloudNativePG's (pkg/specs/secrets.go); escaping follows RFC 3986 (URIs), the JDBC driver's
// query parameters and PostgreSQL's password file.

#include <string>
#include <string_view>

namespace dbm::secrets {

struct Connection {
  std::string_view user, password, database, host;
  std::string_view port = "5432";
};

/// Everything but unreserved characters as %XX (RFC 3986, 2.3); right in user, password, path and
/// query.
void append_percent_encoded(std::string& out, std::string_view text);

/// postgresql://user:password@host:port/database
std::string uri(const Connection& c);
/// jdbc:postgresql://host:port/database?password=…&user=…
std::string jdbc_uri(const Connection& c);
/// jdbc:postgresql://host:port/database, for drivers that are given user and password apart.
std::string jdbc_url(const Connection& c);
/// host:port:database:user:password and a line end (PostgreSQL, 34.16).
std::string pgpass(const Connection& c);

}  // namespace dbm::secrets
