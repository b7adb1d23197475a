// Audits of a real server, from the look to the mending.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/audit.h"
#include "audit/pg_testing.h"
#include "audit/report.h"
#include "audit/testing.h"
#include "secrets/scram.h"
#include "sql/converge.h"

namespace dbm::audit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AuditPgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* role : {"anna", "ben"})
      server_.must(std::string("CREATE ROLE ") + role + " LOGIN PASSWORD 'pencil'");
    server_.must("CREATE DATABASE orders OWNER anna");
    server_.must("CREATE DATABASE people OWNER ben");
    for (const char* database : {"orders", "people", "postgres", "template1"})
      server_.must(std::string("REVOKE ALL ON DATABASE ") + database + " FROM PUBLIC");
    server_.load({"host orders anna all scram-sha-256", "host people ben all scram-sha-256",
                  "host all all all reject"});
  }

  Audit run(Sample sample = Sample::kAll) {
    auto out = audit::run(desired_, targets(), options(sample));
    EXPECT_TRUE(out) << out.error().message;
    return std::move(*out);
  }
  Targets targets() const {
    return {.admin = server_.target(),
            .others = {{"rw", server_.target()}},  // stands for one: it goes to the server
            .password = [this](std::string_view role) {
              return role == "anna" || role == "ben" ? &pencil_ : nullptr;
            }};
  }
  static Options options(Sample sample) { return {.attempts = sample}; }
  static std::string codes(const Audit& audit) {
    std::string out;
    for (const Finding& finding : audit.findings) out += finding.code + ' ' + finding.object + '\n';
    return out;
  }

  const secrets::Secret pencil_{"pencil"};
  testing::HbaServer server_;
  sql::Desired desired_ = testing::desired({"orders:anna", "people:ben"});
};

TEST_F(AuditPgTest, IsolatedTenantsAreAsExpected) {
  const Audit audit = run();
  EXPECT_TRUE(audit.good()) << report_text(audit, {});
  EXPECT_THAT(audit.findings, IsEmpty()) << codes(audit);
  EXPECT_EQ(audit.matrix.counts[static_cast<size_t>(Verdict::kBreach)], 0U);
  EXPECT_EQ(audit.attempts.size(), 2U * 2 * 4);
  EXPECT_THAT(report_text(audit, {}), HasSubstr("as expected"));
  EXPECT_THAT(report_json(audit, {}), Not(HasSubstr("pencil")));
}

TEST_F(AuditPgTest, AnOpenDoorIsFoundByRulesAndByLogin) {
  server_.load({"host all anna all scram-sha-256", "host people ben all scram-sha-256",
                "host all all all reject"});
  server_.must("GRANT CONNECT ON DATABASE people TO PUBLIC");
  const Audit audit = run();
  EXPECT_FALSE(audit.good());
  EXPECT_THAT(codes(audit), HasSubstr("breach role anna\n"));
  EXPECT_THAT(codes(audit), HasSubstr("breach role anna through the pooler rw"));
  EXPECT_THAT(codes(audit), Not(HasSubstr("role ben")));
  EXPECT_THAT(report_text(audit, {}), HasSubstr("it logged in when tried"));
}

TEST_F(AuditPgTest, FixRevokesAndEndsSessions) {
  server_.load({"host all all all scram-sha-256"});
  server_.must("GRANT CONNECT, TEMPORARY ON DATABASE people TO PUBLIC");
  server_.must("GRANT CONNECT ON DATABASE orders TO ben WITH GRANT OPTION");
  sql::Connection stray = sql::testing::open(server_.as("ben", "pencil", "orders"));
  sql::Connection granted = sql::testing::open(server_.as("ben", "pencil", "orders"));
  server_.must("CREATE ROLE carla LOGIN PASSWORD 'pencil'");
  EXPECT_EQ(sql::testing::value(granted, "GRANT CONNECT ON DATABASE orders TO carla"), "no row");
  const Audit before = run();
  EXPECT_THAT(codes(before), HasSubstr("stray-session role ben"));
  EXPECT_THAT(codes(before), HasSubstr("breach role carla"));
  EXPECT_THAT(codes(before), HasSubstr("public-connect people"));

  const auto fixed = fix(before, desired_, targets(), options(Sample::kNone));
  ASSERT_TRUE(fixed) << fixed.error().message;
  for (const Fixed& one : *fixed) EXPECT_EQ(one.failure, "") << one.action;
  EXPECT_FALSE(stray.run("SELECT 1"));
  const Audit after = run();
  EXPECT_TRUE(after.good()) << report_text(after, {});
  // Its pg_hba.conf, which is the server's here, was opened above.
  EXPECT_EQ(codes(after), "pooler-lets-in pooler rw\n");
  const auto again = fix(after, desired_, targets(), options(Sample::kNone));
  ASSERT_TRUE(again);
  EXPECT_THAT(*again, IsEmpty());
}

TEST_F(AuditPgTest, WhoIsShutOutIsSaid) {
  server_.load({"host orders anna all scram-sha-256", "host all all all reject"});
  server_.must("ALTER ROLE anna PASSWORD 'another'");
  const Audit audit = run();
  EXPECT_THAT(codes(audit), HasSubstr("blocked role ben\n"));
  EXPECT_THAT(codes(audit), HasSubstr("wrong-password role anna\n"));
}

// What sql makes of the file is what the audit wants of a server.
TEST_F(AuditPgTest, AConvergedServerIsAsExpected) {
  desired_ = testing::desired({"orders:anna", "people:ben,reader", "fresh:anna"});
  desired_.databases[1].users = {{"reader", sql::Access::kRead}};
  desired_.maintenance_entrants["postgres"] = {"reader"};
  server_.must("GRANT CONNECT, TEMPORARY ON DATABASE people TO PUBLIC, anna");
  // The superuser must come into every database to work there: by a line of its own.
  server_.load({"host all postgres all scram-sha-256", "host orders,fresh anna all scram-sha-256",
                "host people ben,reader all scram-sha-256",
                "host postgres reader all scram-sha-256", "host all all all reject"});
  const secrets::Secret verifier(secrets::scram_verifier("pencil"));
  const auto converged = sql::converge(desired_, [&](std::string_view) { return &verifier; },
                                       {.admin = server_.target()});
  ASSERT_TRUE(converged) << converged.error().message;
  for (const sql::Failed& one : converged->failed) ADD_FAILURE() << one.object << one.message;

  Targets all = targets();
  all.password = [&](std::string_view) { return &pencil_; };
  Options everything = options(Sample::kAll);
  everything.inside = true;
  const auto audit = audit::run(desired_, all, everything);
  ASSERT_TRUE(audit) << audit.error().message;
  EXPECT_THAT(audit->findings, IsEmpty()) << report_text(*audit, {});
  EXPECT_EQ(audit->matrix.counts[static_cast<size_t>(Verdict::kBlocked)], 0U);
}

TEST_F(AuditPgTest, NoServerIsAnError) {
  Targets nowhere = targets();
  nowhere.admin.port = 1;
  const auto audit = audit::run(desired_, nowhere, options(Sample::kNone));
  ASSERT_FALSE(audit);
  EXPECT_THAT(audit.error().message, HasSubstr("cannot connect to 127.0.0.1:1"));
}

}  // namespace
}  // namespace dbm::audit
