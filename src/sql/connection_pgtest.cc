#include "sql/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "sql/environment.h"
#include "sql/libpq.h"
#include "sql/testing.h"

namespace dbm::sql {
namespace {

using dbm::testing::PgServer;
using testing::open;
using testing::target_of;
using testing::value;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class SqlConnectionPgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(PgServer::shared()) << PgServer::shared().error().message;
  }
  static Target target() { return target_of(**PgServer::shared()); }
  static Failure refusal(const Target& target) {
    auto opened = Connection::open(target);
    const auto* failure = std::get_if<Failure>(&opened);
    return failure != nullptr ? *failure : Failure{"it connected", {}, {}};
  }
};

TEST_F(SqlConnectionPgTest, RunsAStatementWithParameters) {
  Connection connection = open(target());
  EXPECT_GE(connection.major(), 13);
  const Answer answer =
      connection.run(Statement{"SELECT $1::text, $2::int, $3::bool", {{"it's"}, {"7"}, {}}});
  ASSERT_TRUE(answer) << answer.failure().message;
  EXPECT_EQ(answer->size(), 1U);
  EXPECT_EQ(answer->columns(), 3U);
  EXPECT_EQ(answer->at(0, 0), "it's");
  EXPECT_EQ(answer->integer(0, 1), 7);
  EXPECT_TRUE(answer->is_null(0, 2));
  EXPECT_FALSE(answer->is_null(0, 0));
}

TEST_F(SqlConnectionPgTest, AnEmptyTextIsNotNull) {
  Connection connection = open(target());
  const Answer answer = connection.run("SELECT '', NULL, true");
  EXPECT_FALSE(answer->is_null(0, 0));
  EXPECT_TRUE(answer->is_null(0, 1));
  EXPECT_TRUE(answer->flag(0, 2));
}

TEST_F(SqlConnectionPgTest, AFailureHasItsStateAndHintAndNoStatement) {
  Connection connection = open(target());
  const Answer answer = connection.run("SELECT no_such_function('secret-text')");
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.failure().is("42883"));
  EXPECT_EQ(answer.failure().message, "function no_such_function(unknown) does not exist");
  EXPECT_THAT(answer.failure().hint, StartsWith("No function matches"));
  EXPECT_THAT(answer.failure().as_error().message, Not(HasSubstr("secret-text")));
  EXPECT_TRUE(connection.is_open());
  EXPECT_EQ(value(connection, "SELECT 1"), "1");
}

TEST_F(SqlConnectionPgTest, ManyStatementsInOneStreamFailAlone) {
  Connection connection = open(target());
  std::vector<Statement> statements;
  for (int i = 0; i < 2000; ++i)
    statements.push_back(i % 100 == 50 ? Statement{"SELECT 1/0"}
                                       : Statement{"SELECT $1::int", {{std::to_string(i)}}});
  const auto answers = connection.run_all(statements);
  ASSERT_EQ(answers.size(), 2000U);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(answers[i].ok(), i % 100 != 50);
    if (answers[i])
      EXPECT_EQ(answers[i]->integer(0, 0), i);
    else
      EXPECT_EQ(answers[i].failure().sqlstate, "22012");
  }
  EXPECT_EQ(value(connection, "SELECT 1"), "1");
}

// Both ways full of more than any buffer holds.
TEST_F(SqlConnectionPgTest, LargeStatementsAndAnswersDoNotBlockEachOther) {
  Connection connection = open(target());
  const std::string large(1'000'000, 'x');
  const std::vector<Statement> statements(40, Statement{"SELECT $1::text", {{large}}});
  for (const auto& answers :
       {connection.run_all(statements), connection.run_together(statements)}) {
    ASSERT_EQ(answers.size(), 40U);
    for (const Answer& answer : answers) EXPECT_EQ(answer->at(0, 0).size(), large.size());
  }
}

TEST_F(SqlConnectionPgTest, NothingToRun) {
  Connection connection = open(target());
  EXPECT_THAT(connection.run_all({}), IsEmpty());
  EXPECT_THAT(connection.run_together({}), IsEmpty());
}

TEST_F(SqlConnectionPgTest, TogetherIsAllOrNothing) {
  Connection connection = open(target());
  connection.run("CREATE TEMP TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  const auto insert = [](int i) {
    return Statement{"INSERT INTO t VALUES ($1)", {{std::to_string(i)}}};
  };
  auto answers = connection.run_together(std::vector{insert(1), insert(2)});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers[0]);
  EXPECT_EQ(answers[1]->affected(), 1);

  answers = connection.run_together(std::vector{insert(3), Statement{"SELECT 1/0"}, insert(4)});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers[0]);
  EXPECT_EQ(answers[1].failure().sqlstate, "22012");

  answers = connection.run_together(std::vector{insert(5), insert(5)});  // found at COMMIT
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[2].failure().sqlstate, "23505");
  EXPECT_EQ(value(connection, "SELECT sum(i) FROM t"), "3");
}

// A statement's own transaction may fail when it is committed, after its answer.
TEST_F(SqlConnectionPgTest, AFailureOfTheCommitIsTheStatements) {
  Connection connection = open(target());
  connection.run("CREATE TEMP TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  const auto answers = connection.run_all(std::vector<Statement>{
      {"SELECT 1"}, {"INSERT INTO t VALUES (1), (1)"}, {"SELECT count(*) FROM t"}});
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers[0]);
  ASSERT_FALSE(answers[1]);
  EXPECT_EQ(answers[1].failure().sqlstate, "23505");
  EXPECT_EQ(answers[2]->integer(0, 0), 0);
}

TEST_F(SqlConnectionPgTest, ALostConnectionFailsWhatHadNoAnswer) {
  Connection connection = open(target());
  const auto answers = connection.run_all(std::vector<Statement>{
      {"SELECT 1"}, {"SELECT pg_terminate_backend(pg_backend_pid())"}, {"SELECT 3"},
      {"SELECT 4"}});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_TRUE(answers[0]);
  for (const size_t i : {1, 2, 3}) {
    ASSERT_FALSE(answers[i]);
    EXPECT_FALSE(answers[i].failure().message.empty());
  }
  EXPECT_FALSE(connection.is_open());
  EXPECT_FALSE(connection.run("SELECT 1"));
  EXPECT_EQ(connection.run_all(std::vector<Statement>{{"SELECT 1"}, {"SELECT 2"}}).size(), 2U);
  EXPECT_FALSE(connection.run_together(std::vector<Statement>{{"SELECT 1"}}).back().ok());
}

TEST_F(SqlConnectionPgTest, RefusalsHaveTheServersState) {
  Target wrong = target();
  wrong.password = secrets::Secret("wrong-secret");
  Failure failure = refusal(wrong);
  EXPECT_EQ(failure.sqlstate, "28P01");
  EXPECT_EQ(failure.message, "password authentication failed for user \"postgres\"");

  Target missing = target();
  missing.database = "no such \"database\"";
  failure = refusal(missing);
  EXPECT_EQ(failure.sqlstate, "3D000");
  EXPECT_THAT(failure.message, HasSubstr("does not exist"));

  Target nobody = target();
  nobody.port = 1;
  failure = refusal(nobody);
  EXPECT_EQ(failure.sqlstate, "");
  EXPECT_THAT(failure.message, HasSubstr("Connection refused"));
  EXPECT_THAT(failure.message, Not(HasSubstr("\n")));
}

// A database's name is a name, whatever it looks like.
TEST_F(SqlConnectionPgTest, ADatabaseNameIsNoConnectionText) {
  Target odd = target();
  odd.database = "host=127.0.0.1 dbname=postgres";
  EXPECT_EQ(refusal(odd).sqlstate, "3D000");
}

// Whoever connects first: nothing of it is read or changed by connecting.
TEST_F(SqlConnectionPgTest, TheEnvironmentCountsForNothing) {
  const auto names = {"PGHOSTADDR", "PGSERVICE", "PGOPTIONS", "PGPASSWORD", "PGSSLMODE", "PGTZ"};
  for (const char* name : names) setenv(name, "nonsense", 1);
  EXPECT_TRUE(has_libpq_environment());
  EXPECT_THAT(refusal(target()).message, HasSubstr("environment"));
  ignore_libpq_environment();
  for (const char* name : names) EXPECT_EQ(std::getenv(name), nullptr) << name;
  Connection connection = open(target());
  EXPECT_EQ(value(connection, "SELECT current_user"), "postgres");
}

TEST_F(SqlConnectionPgTest, OptionsAreSettings) {
  Target with = target();
  with.options = "-c search_path=pg_catalog";
  Connection connection = open(with);
  EXPECT_EQ(value(connection, "SHOW search_path"), "pg_catalog");
}

TEST_F(SqlConnectionPgTest, AScriptIsManyStatements) {
  Connection connection = open(target());
  const Answer last = connection.run_script(
      "CREATE TEMP TABLE t (i int); INSERT INTO t VALUES (1), (2); SELECT sum(i) FROM t");
  ASSERT_TRUE(last) << last.failure().message;
  EXPECT_EQ(last->at(0, 0), "3");
  // One transaction: nothing stays of what failed.
  const Answer failed = connection.run_script("INSERT INTO t VALUES (3); SELECT 1/0; INSERT INTO t VALUES (4)");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.failure().sqlstate, "22012");
  EXPECT_EQ(value(connection, "SELECT sum(i) FROM t"), "3");
  EXPECT_TRUE(connection.run_script(""));
}

TEST_F(SqlConnectionPgTest, QuotesNamesAndTexts) {
  Connection connection = open(target());
  for (const std::string text : {"a", "A b", "\"", "'", "\\", "x\\'; --", "é\"é", "$1"}) {
    EXPECT_EQ(value(connection, "SELECT " + connection.literal(text)), text);
    EXPECT_EQ(value(connection, "SELECT " + connection.identifier(text) + " FROM (SELECT " +
                                    connection.literal(text) + " AS " +
                                    connection.identifier(text) + ") AS t"),
              text);
  }
  for (const std::string& broken : {std::string("a\xff"), std::string("a\0b", 3)}) {
    EXPECT_EQ(connection.identifier(broken), "\"\"");
    EXPECT_THAT(value(connection, "SELECT " + connection.literal(broken)), StartsWith("42601"));
  }
}

TEST(ParseRefusal, TakesTheLastServersWord) {
  const Failure failure = parse_refusal(
      "connection to server at \"localhost\" (::1), port 5432 failed: Connection refused\n"
      "\tIs the server running on that host and accepting TCP/IP connections?\n"
      "connection to server at \"localhost\" (127.0.0.1), port 5432 failed: FATAL:  28000: no "
      "pg_hba.conf entry for host\nHINT:  try: again\nLOCATION:  ClientAuthentication, auth.c:1\n");
  EXPECT_EQ(failure.sqlstate, "28000");
  EXPECT_EQ(failure.message, "no pg_hba.conf entry for host");
  EXPECT_EQ(failure.hint, "try: again");
  EXPECT_EQ(parse_refusal("a\n\t b \n").message, "a b");
}

}  // namespace
}  // namespace dbm::sql
