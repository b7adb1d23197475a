#pragma once

// For the pgtests of this module: a server of one's own whose pg_hba.conf is written anew and anew.

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sql/testing.h"

namespace dbm::audit::testing {

/// Threads: one at a time.
class HbaServer {
 public:
  /// Aborts the test when there can be no server.
  HbaServer() : server_(start()), admin_(sql::testing::open(target())) {}

  sql::Connection& admin() { return admin_; }
  sql::Target target() const { return sql::testing::target_of(*server_); }
  sql::Target as(std::string role, std::string password, std::string database) const {
    sql::Target out = target();
    out.user = std::move(role);
    out.password = secrets::Secret(std::move(password));
    out.database = std::move(database);
    return out;
  }

  void must(const std::string& sql) {
    const auto answer = admin_.run(sql);
    ASSERT_TRUE(answer) << sql << ": " << answer.failure().message;
  }

  /// The admin comes in as ever; the rest is the test's.
  void load(const std::vector<std::string>& lines) {
    std::ofstream file(server_->folder() / "data/pg_hba.conf", std::ios::trunc);
    file << "host postgres postgres 127.0.0.1/32 scram-sha-256\n# the rest\n";
    for (const std::string& text : lines) file << text << '\n';
    file.close();
    // The server tells its backends before it reads the file, and takes new connections after that.
    const std::string before = loaded();
    sql::testing::value(admin_, "SELECT pg_reload_conf()");
    while (loaded() == before) {
    }
  }

 private:
  static std::unique_ptr<dbm::testing::PgServer> start() {
    auto started = dbm::testing::PgServer::start();
    if (!started) {
      ADD_FAILURE() << started.error().message;
      std::abort();
    }
    return std::move(*started);
  }
  std::string loaded() { return sql::testing::value(admin_, "SELECT pg_conf_load_time()"); }

  std::unique_ptr<dbm::testing::PgServer> server_;
  sql::Connection admin_;
};

}  // namespace dbm::audit::testing
