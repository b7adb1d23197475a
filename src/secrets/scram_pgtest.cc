#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "secrets/password.h"
#include "secrets/scram.h"
#include "testing/pg_client.h"
#include "testing/pg_server.h"

namespace dbm::secrets {
namespace {

using dbm::testing::PgClient;
using dbm::testing::PgServer;
using ::testing::HasSubstr;

class ScramPgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(PgServer::shared()) << PgServer::shared().error().message;
    admin_ = std::make_unique<PgClient>(server());
    ASSERT_TRUE(admin_->ok()) << admin_->error();
    ASSERT_TRUE(admin_->run("DROP ROLE IF EXISTS scram; CREATE ROLE scram LOGIN"));
  }

  static const PgServer& server() { return **PgServer::shared(); }

  /// A password, or its verifier.
  void give(const std::string& password) const {
    ASSERT_TRUE(admin_->run("ALTER ROLE scram PASSWORD " + admin_->literal(password)))
        << admin_->error();
  }
  std::string stored() const {
    return admin_->value("SELECT rolpassword FROM pg_authid WHERE rolname = 'scram'");
  }
  static PgClient log_in(const std::string& password) {
    return PgClient(server(), "scram", password, "postgres");
  }
  static void expect_refused(const std::string& password) {
    const PgClient client = log_in(password);
    EXPECT_FALSE(client.ok());
    EXPECT_THAT(client.error(), HasSubstr("password authentication failed"));
  }

  std::unique_ptr<PgClient> admin_;
};

// What the other tests refuse is refused for the password's sake.
TEST_F(ScramPgTest, NoLoginWithoutAPassword) { expect_refused("anything"); }

TEST_F(ScramPgTest, VerifierLetsItsPasswordIn) {
  PasswordSource source;
  for (int i = 0; i < 5; ++i) {
    const std::string password(source.next().view());
    const std::string verifier = scram_verifier(password);
    give(verifier);
    EXPECT_EQ(stored(), verifier);  // taken as what it is, not as a password
    const PgClient client = log_in(password);
    EXPECT_TRUE(client.ok()) << client.error();
    EXPECT_EQ(client.value("SELECT current_user"), "scram");

    expect_refused(password + "x");
    expect_refused(password.substr(1));
    expect_refused(verifier);
  }
}

TEST_F(ScramPgTest, AnyAsciiPassword) {
  std::string password;
  for (char c = ' '; c <= '~'; ++c) password += c;
  give(scram_verifier(password));
  const PgClient client = log_in(password);
  EXPECT_TRUE(client.ok()) << client.error();
  expect_refused(password.substr(1));
}

TEST_F(ScramPgTest, OtherSaltsAndIterations) {
  for (const int iterations : {1, 4095, 10'000}) {
    for (const size_t size : {1U, 12U, 16U, 33U}) {
      const std::vector<uint8_t> salt(size, static_cast<uint8_t>(iterations));
      const std::string verifier = scram_verifier("pencil", salt, iterations);
      give(verifier);
      EXPECT_EQ(stored(), verifier);
      EXPECT_TRUE(log_in("pencil").ok()) << verifier;
      expect_refused("pencils");
    }
  }
}

TEST_F(ScramPgTest, VerifierOfTheServerIsAccepted) {
  PasswordSource source;
  for (int i = 0; i < 5; ++i) {
    const std::string password(source.next().view());
    give(password);
    const std::string verifier = stored();
    EXPECT_TRUE(verifier.starts_with("SCRAM-SHA-256$4096:")) << verifier;
    EXPECT_TRUE(scram_verify(password, verifier));
    EXPECT_FALSE(scram_verify(password + "x", verifier));
    EXPECT_FALSE(scram_verify(password.substr(1), verifier));
  }
}

TEST_F(ScramPgTest, VerifierOfLibpqIsAccepted) {
  const std::string verifier = admin_->verifier("scram", "pencil");
  EXPECT_TRUE(scram_verify("pencil", verifier));
  EXPECT_FALSE(scram_verify("pencils", verifier));
}

}  // namespace
}  // namespace dbm::secrets
