#pragma once

// A connection to a PostgreSQL server (libpq): statements with parameters, one at a time or many in
// one round trip (pipeline mode), errors as values with PostgreSQL's own SQLSTATE.
//
// Nothing here writes a statement or a parameter to a log or an error: they may hold verifiers.
// Threads: a Connection belongs to one thread at a time; distinct ones are independent.

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "secrets/secret.h"

namespace dbm::sql {

/// Where to connect and as whom. Empty texts are libpq's compiled defaults. Its environment
/// variables (PGHOST, PGSERVICE, …) must not be there: ignore_libpq_environment() removes them, before
/// threads start; open() refuses while one is there.
struct Target {
  std::string host = {};  // a name, an address, or the folder of a socket
  std::string hostaddr = {};
  int port = 5432;
  std::string database = "postgres";
  std::string user = {};
  secrets::Secret password = {};
  std::string ssl_mode = {};  // empty: prefer on this machine, verify-full elsewhere
  std::string ssl_root_cert = {}, ssl_cert = {}, ssl_key = {};
  std::string channel_binding = {};  // counts where ssl_mode always encrypts; poolers cannot do it
  std::string require_auth = {};     // counts with libpq 16 and later
  std::string application_name = "cnpg-dbm";
  std::string options = {};  // settings to begin with, "-c name=value …"; PgBouncer refuses them
  std::chrono::seconds timeout{10};  // for connecting
};

/// What a server answered to one statement. `sqlstate` is five characters (PostgreSQL, appendix A),
/// or empty when the connection itself failed.
struct Failure {
  std::string message;  // the server's primary message, without "ERROR:"
  std::string sqlstate;
  std::string hint;
  bool is(std::string_view state) const { return sqlstate == state; }
  Error as_error() const { return {message, hint, code_of_sqlstate(sqlstate)}; }
};

/// Rows in text format; owns them.
class Rows {
 public:
  size_t size() const { return rows_; }
  size_t columns() const { return columns_; }
  /// The text; null data for NULL.
  std::string_view at(size_t row, size_t column) const;
  bool is_null(size_t row, size_t column) const;
  bool flag(size_t row, size_t column) const { return at(row, column) == "t"; }
  int64_t integer(size_t row, size_t column) const;
  /// Rows changed by a command, where it counts them.
  int64_t affected() const { return affected_; }

 private:
  friend class Connection;
  struct Clear {
    void operator()(void* result) const;
  };
  std::unique_ptr<void, Clear> result_;  // a PGresult
  size_t rows_ = 0, columns_ = 0;
  int64_t affected_ = 0;
};

/// A statement and its parameters ($1, $2, …), sent as text; nullopt is NULL.
struct Statement {
  std::string text;
  std::vector<std::optional<std::string>> parameters = {};
};

/// Either rows or the failure.
class Answer {
 public:
  Answer(Rows rows) : rows_(std::move(rows)) {}              // NOLINT: implicit
  Answer(Failure failure) : failure_(std::move(failure)) {}  // NOLINT: implicit
  bool ok() const { return !failure_; }
  explicit operator bool() const { return ok(); }
  const Rows& operator*() const { return rows_; }
  const Rows* operator->() const { return &rows_; }
  const Failure& failure() const { return *failure_; }

 private:
  Rows rows_;
  std::optional<Failure> failure_;
};

class Connection {
 public:
  /// Connects, or says why not (a Failure without sqlstate when no server answered; 28P01, 28000, …
  /// when it refused). Never asks for a password, never reads ~/.pgpass or a service file.
  static std::variant<Connection, Failure> open(const Target& target);

  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  /// One statement, and the wait for its answer.
  Answer run(const Statement& statement);
  Answer run(std::string text) { return run(Statement{std::move(text)}); }
  /// Statements separated by semicolons, by the simple protocol: one transaction unless they say otherwise,
  /// without parameters; the answer of the last, or of the one that failed.
  Answer run_script(const std::string& text);
  /// All statements in one stream, each a transaction of its own (a failure does not touch the
  /// others); the answers in order. A lost connection is the failure of all that had no answer.
  std::vector<Answer> run_all(std::span<const Statement> statements);
  /// All in one transaction: what one failure undoes. The answers up to the first failure, which is
  /// the last of them.
  std::vector<Answer> run_together(std::span<const Statement> statements);

  /// 150018 for 15.18.
  int server_version() const;
  int major() const { return server_version() / 10000; }
  bool is_open() const;

  /// Quoted by libpq for this connection's encoding; with the quotes. What cannot be quoted (broken
  /// UTF-8, a NUL) becomes `""`, which the server refuses wherever it stands.
  std::string identifier(std::string_view name) const;
  std::string literal(std::string_view text) const;

 private:
  class Stream;
  struct Finish {
    void operator()(void* connection) const;
  };
  static Rows rows(void* result);
  Answer answer_of(void* result);
  explicit Connection(void* connection) : connection_(connection) {}
  std::unique_ptr<void, Finish> connection_;  // a PGconn: libpq stays in the .cc
};

}  // namespace dbm::sql
