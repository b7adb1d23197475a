#pragma once

// For the pgtests of converge(): a server of its own for each test, and what is wanted of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "secrets/scram.h"
#include "sql/converge.h"
#include "sql/testing.h"

namespace dbm::sql::testing {

using dbm::testing::PgServer;

/// Each test has a server of its own: what is looked at is all of it.
class ConvergePgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = PgServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(started).value();
    options_.admin = target_of(*server_);
  }

  Role& role(const std::string& name) {
    Role role;
    role.name = name;
    role.login = role.has_password = role.tenant = true;
    desired_.roles.push_back(role);
    std::ranges::sort(desired_.roles, {}, &Role::name);
    return *std::ranges::find(desired_.roles, name, &Role::name);
  }
  /// With its owner of the same name.
  Database& database(const std::string& name) {
    role(name);
    Database db;
    db.name = db.owner = name;
    db.entrants = {name};
    desired_.databases.push_back(db);
    return desired_.databases.back();
  }
  void add_user(Database& db, const std::string& name, Access access) {
    role(name);
    db.users.push_back({name, access});
    db.entrants.push_back(name);
    std::ranges::sort(db.entrants);
  }

  Converged converge() {
    const auto verifier = [&](std::string_view name) { return &verifier_of(name); };
    auto result = sql::converge(desired_, verifier, options_);
    if (!result) {
      ADD_FAILURE() << result.error().message;
      return {};
    }
    options_.known = result->known;
    return std::move(result).value();
  }
  Converged converge_all() {
    Converged out = converge();
    for (const Failed& f : out.failed) ADD_FAILURE() << f.object << ": " << f.message;
    return out;
  }
  /// Nothing is left to do, whether or not it is known.
  void expect_settled() {
    EXPECT_THAT(told(converge_all()), ::testing::IsEmpty());
    options_.everything = true;
    EXPECT_THAT(told(converge_all()), ::testing::IsEmpty());
    options_.everything = false;
  }
  static std::vector<std::string> told(const Converged& converged) {
    std::vector<std::string> out;
    for (const Done& done : converged.done) out.push_back(done.object + ": " + done.action);
    return out;
  }
  static std::vector<std::string> told_failures(const Converged& converged) {
    std::vector<std::string> out;
    for (const Failed& f : converged.failed) out.push_back(f.object + ": " + f.message);
    return out;
  }

  static std::string password(std::string_view role) { return "password of " + std::string(role); }
  const secrets::Secret& verifier_of(std::string_view role) {
    const auto known = verifiers_.find(role);
    if (known != verifiers_.end()) return known->second;
    // One iteration: tests want no strength.
    const std::vector<uint8_t> salt(16, 7);
    return verifiers_
        .emplace(role, secrets::Secret(secrets::scram_verifier(password(role), salt, 1)))
        .first->second;
  }

  Target login(const std::string& role, const std::string& database) const {
    Target target = target_of(*server_);
    target.user = role;
    target.password = secrets::Secret(password(role));
    target.database = database;
    return target;
  }
  /// "in", or the SQLSTATE of the refusal.
  std::string enter(const std::string& role, const std::string& database) const {
    auto opened = Connection::open(login(role, database));
    const auto* failure = std::get_if<Failure>(&opened);
    return failure == nullptr ? "in" : failure->sqlstate;
  }
  std::string as(const std::string& role, const std::string& database,
                 const std::string& sql) const {
    Connection connection = open(login(role, database));
    return value(connection, sql);
  }
  std::string admin(const std::string& sql, const std::string& database = "postgres") const {
    Target target = options_.admin;
    target.database = database;
    Connection connection = open(target);
    return value(connection, sql);
  }

  std::unique_ptr<PgServer> server_;
  Desired desired_;
  ConvergeOptions options_;
  std::map<std::string, secrets::Secret, std::less<>> verifiers_;
};

inline constexpr const char* kDenied = "42501";  // permission denied
inline constexpr const char* kNoRow = "no row";  // a command's answer

}  // namespace dbm::sql::testing
