#pragma once

// A connection to a server for tests, by libpq: include it from *_pgtest.cc only, which link it.

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing/pg_server.h"

namespace dbm::testing {

/// Connects when made; ok() says whether that worked. Threads: one at a time.
class PgClient {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  /// A URI or a list of `name = value`.
  explicit PgClient(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str())) {}
  explicit PgClient(const Parameters& parameters) : connection_(connect(parameters)) {}
  /// As the superuser.
  explicit PgClient(const PgServer& server)
      : PgClient(server, server.user(), server.password(), "postgres") {}
  PgClient(const PgServer& server, const std::string& user, const std::string& password,
           const std::string& database)
      : PgClient(Parameters{{"host", server.host()},
                            {"port", server.port()},
                            {"user", user},
                            {"password", password},
                            {"dbname", database}}) {}

  bool ok() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  /// The last error, of the connecting too.
  std::string error() const { return PQerrorMessage(connection_.get()); }

  /// Runs a statement; false when it fails.
  bool run(const std::string& sql) const {
    const auto status = PQresultStatus(query(sql).get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  }
  /// The answer's first value; the error where there is none.
  std::string value(const std::string& sql) const {
    const auto result = query(sql);
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "no row; " + error();
  }

  std::string identifier(const std::string& text) const {
    return taken(PQescapeIdentifier(connection_.get(), text.c_str(), text.size()));
  }
  std::string literal(const std::string& text) const {
    return taken(PQescapeLiteral(connection_.get(), text.c_str(), text.size()));
  }
  /// The verifier that libpq makes of a password.
  std::string verifier(const std::string& user, const std::string& password) const {
    return taken(
        PQencryptPasswordConn(connection_.get(), password.c_str(), user.c_str(), "scram-sha-256"));
  }

 private:
  struct Free {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Free>;

  static PGconn* connect(const Parameters& parameters) {
    std::vector<const char*> names, values;
    for (const auto& [name, value] : parameters) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectdbParams(names.data(), values.data(), 0);
  }
  static std::string taken(char* text) {
    std::string out = text != nullptr ? text : "";
    PQfreemem(text);
    return out;
  }
  Answer query(const std::string& sql) const {
    return Answer(PQexec(connection_.get(), sql.c_str()));
  }

  std::unique_ptr<PGconn, Free> connection_;
};

}  // namespace dbm::testing
