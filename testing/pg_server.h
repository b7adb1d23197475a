#pragma once

// A PostgreSQL server of our own for tests: in a temporary folder, on a free port of the loopback,
// gone with the object. Needs initdb and postgres, from Debian's newest package or the PATH.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace dbm::testing {

/// A running server; every login is over TCP with scram-sha-256. Nothing it writes is durable.
/// As root, its programs run as the user `postgres`. The server ends when the thread that started
/// it does. Threads: one at a time.
class PgServer {
 public:
  /// Takes about a second; returns when the server accepts connections.
  static Result<std::unique_ptr<PgServer>> start();
  /// The server that all tests of a process share, started by the first that asks.
  static const Result<std::unique_ptr<PgServer>>& shared();

  ~PgServer();
  PgServer(const PgServer&) = delete;
  PgServer& operator=(const PgServer&) = delete;

  const std::string& host() const { return host_; }
  const std::string& port() const { return port_; }
  /// The superuser's name and password.
  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }
  /// A place for a test's own files, removed with the server.
  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct Programs;

  PgServer() = default;
  Result<bool> make_folder(const Programs& programs);
  Result<bool> init(const Programs& programs);
  Result<bool> run(const Programs& programs);
  bool is_ready() const;
  std::string log() const;

  const std::string host_ = "127.0.0.1", user_ = "postgres";
  std::string port_, password_;
  std::filesystem::path folder_;
  pid_t pid_ = -1;    // the server's
  pid_t owner_ = -1;  // the process that started it: a forked child must not stop it
};

}  // namespace dbm::testing
