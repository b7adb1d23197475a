#pragma once

// What an application needs to connect, in the spellings it may want. The names of the keys are
// CloudNativePG's (pkg/specs/secrets.go); escaping follows RFC 3986 (URIs), the JDBC driver's
// query parameters and PostgreSQL's password file.

#include <string>
#include <string_view>

namespace dbm::secrets {

/// Everything but unreserved characters as %XX (RFC 3986, 2.3); right in user, password, path and
/// query.
void append_percent_encoded(std::string& out, std::string_view text);

/// One way into one database: a role, its password, and the hosts that lead there. Keeps the texts
/// percent-encoded, for several URIs; what it makes is wiped. The texts given must outlive it.
class Connection {
 public:
  static constexpr std::string_view kPort = "5432";

  Connection(std::string_view user, std::string_view password, std::string_view database);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Each view is good until the next call.

  /// postgresql://user:password@host:port/database
  std::string_view uri(std::string_view host);
  /// jdbc:postgresql://host:port/database?password=…&user=…
  std::string_view jdbc_uri(std::string_view host);
  /// jdbc:postgresql://host:port/database, for drivers that are given user and password apart.
  std::string_view jdbc_url(std::string_view host);
  /// host:port:database:user:password and a line end (PostgreSQL, 34.16).
  std::string_view pgpass(std::string_view host);

 private:
  /// Has out_ never grow while it is written: that would leave a part of it behind unwiped.
  void make_room(size_t host);

  std::string_view user_, password_, database_;
  std::string user_encoded_, password_encoded_, database_encoded_;
  std::string out_;
};

}  // namespace dbm::secrets
