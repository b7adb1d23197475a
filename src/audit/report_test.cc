#include "audit/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/testing.h"
#include "yaml/reader.h"

namespace dbm::audit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Audit audit_of(Server server, const sql::Desired& desired) {
  Audit out;
  out.cluster = desired.cluster;
  out.server = std::move(server);
  const Memberships memberships(out.server);
  const Expected expected(out.server, desired, memberships, {});
  const Hba hba(out.server, memberships);
  out.matrix = make_matrix(out.server, expected, hba, ConnectPrivileges(out.server, memberships),
                           desired.isolated);
  out.entrances = {{{}, {}}, {"rw", {}}};
  out.attempts = {{.role = 0, .database = 0, .outcome = Outcome::kEntered},
                  {.role = 0,
                   .database = 1,
                   .entrance = 1,
                   .outcome = Outcome::kRefusedByPooler,
                   .message = "login rejected"}};
  out.findings = find_all(
      {out.server, desired, memberships, expected, hba, out.matrix, out.entrances, out.attempts});
  return out;
}

Audit small() {
  return audit_of(testing::server({"anna", "ben"}, {"-orders:anna", "people:ben"},
                                  {"host all anna all scram-sha-256", "host all all all reject"}),
                  testing::desired({"orders:anna", "people:ben"}));
}

TEST(Report, TheMatrixOnATerminal) {
  EXPECT_EQ(report_text(small(), {}), R"(cluster main: 2 login roles, 2 databases, PostgreSQL 15

       1  2
anna   o  X
ben    ·  #

1 orders   2 people

  ·        1  shut
  o        1  enters
  X        1  OPEN, should be shut
  #        1  SHUT, should be open

logins tried:
  directly: 1 - 1 entered
  pooler rw: 1 - 1 refused by the pooler

error: role anna: can enter people by line 1 of pg_hba.conf (host all anna all scram-sha-256), and the values file does not let it [breach]
  help: a line of pg_hba.conf lets it in, and CONNECT is granted: keep isolation.enabled, and run audit --fix for the grants

error: role ben: cannot enter people: no line of pg_hba.conf lets it in [blocked]
  help: isolation writes a line a database: is it there, and does none before it reject?

warning: people: PUBLIC has CONNECT: pg_hba.conf alone keeps strangers out [public-connect]
  help: cnpg-dbm audit --fix revokes it

NOT as expected: 2 errors, 1 warning
)");
  EXPECT_THAT(report_text(small(), {.colour = true}), HasSubstr("\x1B[31;1mX\x1B[0m"));
  EXPECT_THAT(report_text(small(), {}), Not(HasSubstr("\x1B")));
}

TEST(Report, WhatDoesNotFitIsSummedUp) {
  const std::string text = report_text(small(), {.width = 10});
  EXPECT_THAT(text, Not(HasSubstr("anna   o")));
  EXPECT_THAT(text, HasSubstr("4 pairs of role and database"));
  EXPECT_THAT(text, HasSubstr("[breach]"));
}

TEST(Report, JsonIsJson) {
  const std::string text =
      report_json(small(), {{"REVOKE \"x\"", ""}, {"ended", "it does not end"}});
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  const uint16_t source = sources.add("json", text);
  const auto tree = yaml::read(arena, sources, source, diagnostics);
  ASSERT_TRUE(tree && !diagnostics.has_errors()) << text;
  EXPECT_EQ(tree->find("asExpected")->text(), "false");
  EXPECT_EQ(tree->find_path({"verdicts", "breach"})->text(), "1");
  EXPECT_EQ(tree->find("pairs")->size(), 3U);  // those that are shut as expected are only counted
  EXPECT_EQ(tree->find("pairs")->items()[1].find("method")->text(), "scram-sha-256");
  EXPECT_EQ(tree->find("attempts")->items()[1].find("outcome")->text(), "refused-by-pooler");
  EXPECT_EQ(tree->find("findings")->items()[0].find("code")->text(), "breach");
  EXPECT_EQ(tree->find("fixed")->items()[1].find("failure")->text(), "it does not end");
}

}  // namespace
}  // namespace dbm::audit
