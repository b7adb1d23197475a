#include "kube/credentials.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <iterator>

#include "kube/exec_plugin.h"
#include "kube/testing.h"

namespace dbm::kube {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using secrets::Secret;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

std::string credential(std::string_view status) {
  return fmt::format(R"({{"kind":"ExecCredential","apiVersion":"{}","status":{{{}}}}})", kV1, status);
}

class CredentialsTest : public ::testing::Test {
 protected:
  /// A plugin that is this shell script.
  void use(const std::string& script) {
    folder.write("plugin", "#!/bin/sh\n" + script, 0700);
    config.exec = ExecPlugin{.api_version = kV1, .command = folder.path("plugin")};
  }
  std::string read(const std::string& name) {
    std::ifstream in(folder.path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string token(Credentials& credentials) {
    const auto identity = credentials.current();
    return identity ? std::string((*identity)->bearer_token.reveal()) : "error: " + identity.error().message;
  }
  std::string token() {
    Credentials credentials(config);
    return token(credentials);
  }

  Folder folder;
  Config config{.where = "kubeconfig:7: user \"u\""};
};

// ---- what does not change ----

TEST_F(CredentialsTest, GivesWhatTheConfigurationSays) {
  config.token = Secret("abc");
  config.client_certificate = kCertificate;
  config.client_key = Secret(std::string(kKey));
  config.user = "admin";
  config.password = Secret("hunter2");
  Credentials credentials(config);
  const auto identity = credentials.current();
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ((*identity)->bearer_token.reveal(), "abc");
  EXPECT_EQ((*identity)->client_certificate, kCertificate);
  EXPECT_EQ((*identity)->client_key.reveal(), kKey);
  EXPECT_EQ((*identity)->user, "admin");
  EXPECT_EQ((*identity)->password.reveal(), "hunter2");
  EXPECT_FALSE(credentials.refused());
}

// ---- token files ----

TEST_F(CredentialsTest, ReadsATokenFileAgainWhenItChanged) {
  config.token_file = folder.write("token", "one\n");
  Credentials credentials(config);
  EXPECT_EQ(token(credentials), "one");
  folder.write("token", "two");
  std::filesystem::last_write_time(config.token_file, std::filesystem::file_time_type::clock::now() + 1h);
  EXPECT_EQ(token(credentials), "two");
}

TEST_F(CredentialsTest, ReadsATokenFileAgainAfterAWhileWhateverItsTime) {
  config.token_file = folder.write("token", "one");
  const auto time = std::filesystem::last_write_time(config.token_file);
  Credentials patient(config), impatient(config, {.token_file = 0ms});
  EXPECT_EQ(token(patient), "one");
  EXPECT_EQ(token(impatient), "one");
  folder.write("token", "two");
  std::filesystem::last_write_time(config.token_file, time);
  EXPECT_EQ(token(patient), "one");
  EXPECT_EQ(token(impatient), "two");
  const unsigned first = patient.generation();
  EXPECT_TRUE(patient.refused()) << "a 401 looks at once";
  EXPECT_EQ(token(patient), "two");
  EXPECT_NE(patient.generation(), first) << "whoever was refused with the first asks again";
  EXPECT_FALSE(patient.refused()) << "nothing newer";
}

TEST_F(CredentialsTest, KeepsTheLastTokenWhileTheFileIsGone) {
  config.token_file = folder.write("token", "one");
  Credentials credentials(config, {.token_file = 0ms});
  EXPECT_EQ(token(credentials), "one");
  std::filesystem::remove(config.token_file);
  EXPECT_EQ(token(credentials), "one");
}

TEST_F(CredentialsTest, AsksAgainWhileATokenFileIsBeingWritten) {
  config.token_file = folder.write("token", "one");
  Credentials credentials(config);
  EXPECT_EQ(token(credentials), "one");
  const auto time = std::filesystem::last_write_time(config.token_file);
  folder.write("token", "");
  EXPECT_TRUE(credentials.refused());
  EXPECT_EQ(token(credentials), "one");
  folder.write("token", "two");
  std::filesystem::last_write_time(config.token_file, time);
  EXPECT_EQ(token(credentials), "two");
  EXPECT_FALSE(credentials.refused()) << "nothing newer";
}

TEST_F(CredentialsTest, ATokenFileMustHoldAToken) {
  config.token_file = folder.path("token");
  EXPECT_THAT(token(), AllOf(HasSubstr("user \"u\": tokenFile: cannot read"), HasSubstr(folder.path("token"))));
  folder.write("token", " \n");
  EXPECT_THAT(token(), HasSubstr("is empty"));
  folder.write("token", "hunter2\nhunter2");
  EXPECT_THAT(token(), AllOf(HasSubstr("more than a token"), Not(HasSubstr("hunter2"))));
  config.token = Secret("inline");
  EXPECT_EQ(token(), "inline");
}

// ---- plugins ----

TEST_F(CredentialsTest, AsksAPluginOnceUntilItsCredentialExpires) {
  use("echo x >>" + folder.path("runs") + "\ncat " + folder.write("says", credential(R"("token":"abc","expirationTimestamp":"2999-01-01T00:00:00Z")")));
  Credentials credentials(config);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(token(credentials), "abc");
  EXPECT_EQ(read("runs"), "x\n");
  for (const std::string_view past : {"2001-01-01T00:00:00Z", "2001-01-01T00:00:00.123456789+02:00"}) {
    folder.write("runs", "");
    folder.write("says", credential(fmt::format(R"("token":"abc","expirationTimestamp":"{}")", past)));
    Credentials expired(config);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(token(expired), "abc");
    EXPECT_EQ(read("runs"), "x\nx\nx\n");
  }
}

TEST_F(CredentialsTest, AsksAPluginAnewBeforeItsCredentialExpires) {
  // What has five seconds left would expire on its way; what has an hour would not.
  using std::chrono::system_clock;
  for (const auto& [left, runs] : {std::pair{5, "x\nx\n"}, {3600, "x\n"}}) {
    const std::time_t time = system_clock::to_time_t(system_clock::now() + std::chrono::seconds(left));
    std::tm utc{};
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &utc));
    folder.write("runs", "");
    use("echo x >>" + folder.path("runs") + "\ncat " + folder.write("says", credential(fmt::format(R"("token":"abc","expirationTimestamp":"{}")", text))));
    Credentials credentials(config);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(token(credentials), "abc");
    EXPECT_EQ(read("runs"), runs) << text;
  }
}

TEST_F(CredentialsTest, AsksAPluginAnewWhenRefusedUnlessItSaysTheSame) {
  use("echo x >>" + folder.path("runs") + "\ncat " + folder.write("says", credential(R"("token":"one")")));
  Credentials credentials(config);
  EXPECT_EQ(token(credentials), "one");
  folder.write("says", credential(R"("token":"two")"));
  const unsigned first = credentials.generation();
  EXPECT_TRUE(credentials.refused());
  EXPECT_EQ(token(credentials), "two");
  EXPECT_NE(credentials.generation(), first);
  EXPECT_TRUE(credentials.refused());
  EXPECT_EQ(token(credentials), "two");
  EXPECT_FALSE(credentials.refused());
  EXPECT_EQ(read("runs"), "x\nx\nx\n");
}

TEST_F(CredentialsTest, TakesACertificateOfAPlugin) {
  const std::string pem = R"("clientCertificateData":"-----BEGIN CERTIFICATE-----\n","clientKeyData":"-----BEGIN EC PRIVATE KEY-----\n")";
  use("cat " + folder.write("says", credential(pem)));
  config.client_certificate = "old";
  Credentials credentials(config);
  const auto identity = credentials.current();
  ASSERT_TRUE(identity.ok()) << identity.error().message;
  EXPECT_EQ((*identity)->client_certificate, "-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ((*identity)->client_key.reveal(), "-----BEGIN EC PRIVATE KEY-----\n");
  EXPECT_TRUE((*identity)->bearer_token.empty());
}

TEST_F(CredentialsTest, GivesAPluginItsArgumentsAndEnvironmentAndNoShell) {
  const Environment ours{{{"DBM_OURS", "ours"}, {"DBM_BOTH", "ours"}}};
  use("printf '%s|' \"$@\" \"$DBM_OURS\" \"$DBM_BOTH\" >" + folder.path("seen") + "\nprintf %s \"$KUBERNETES_EXEC_INFO\" >" + folder.path("info") +
      "\ncat >" + folder.path("input") + "\ncat " + folder.write("says", credential(R"("token":"abc")")));
  config.exec->args = {"a b", "$(id)", "", "'"};
  config.exec->env = {{"DBM_BOTH", "its"}};
  config.exec->interactive = Interactive::kNever;
  config.exec->cluster_info = R"({"server":"https://h"})";
  EXPECT_EQ(token(), "abc");
  EXPECT_EQ(read("seen"), "a b|$(id)||'|ours|its|");
  EXPECT_EQ(read("input"), "");
  EXPECT_EQ(read("info"), R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{"server":"https://h"}}})");
}

TEST_F(CredentialsTest, FindsAPluginInPathOrTellsHowToInstallIt) {
  use("cat " + folder.write("says", credential(R"("token":"abc")")));
  config.exec->command = "plugin";
  config.exec->install_hint = "brew install\x1b[31m plugin";
  {
    const Environment path{{{"PATH", ":.:" + folder.path("") + ":/usr/bin:/bin"}}};
    EXPECT_EQ(token(), "abc");
  }
  const auto was = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  const Environment path{{{"PATH", ":.:/usr/bin:/bin"}}};
  Credentials credentials(config);
  const auto identity = credentials.current();
  std::filesystem::current_path(was);
  ASSERT_FALSE(identity.ok()) << "what lies in the current folder is no plugin";
  EXPECT_EQ(identity.error().message, "kubeconfig:7: user \"u\": exec: plugin: there is no such program");
  EXPECT_THAT(identity.error().hint, AllOf(HasSubstr("brew install"), Not(HasSubstr("\x1b"))));
}

TEST_F(CredentialsTest, APluginThatFailsIsToldAndNeverQuoted) {
  use("echo hunter2; exit 3");
  EXPECT_THAT(token(), AllOf(HasSubstr("plugin: it ended with exit code 3"), Not(HasSubstr("hunter2"))));
  use("kill -TERM $$");
  EXPECT_THAT(token(), HasSubstr("exit code 143"));
  use("echo hunter2");
  EXPECT_THAT(token(), AllOf(HasSubstr("no ExecCredential"), Not(HasSubstr("hunter2"))));
  use("yes hunter2");
  EXPECT_THAT(token(), AllOf(HasSubstr("more than a credential"), Not(HasSubstr("hunter2"))));
  folder.write("plugin", "\x7f nothing that runs", 0700);
  EXPECT_THAT(token(), HasSubstr("Exec format error"));
}

TEST_F(CredentialsTest, APluginThatNeverEndsIsKilled) {
  for (const std::string script : {"exec sleep 100", "exec sleep 100 >/dev/null", "sleep 1 & exit 0"}) {
    use("echo $$ >" + folder.path("pid") + "\n" + script);
    Credentials credentials(config, {.plugin = 200ms});
    EXPECT_THAT(token(credentials), HasSubstr("did not end within 0.2 seconds")) << script;
    EXPECT_NE(kill(std::stoi(read("pid")), 0), 0) << script;
  }
}

TEST_F(CredentialsTest, APluginThatMustAskNeedsATerminal) {
  use("exit 0");
  config.exec->interactive = Interactive::kAlways;
  if (isatty(0) == 0) { EXPECT_THAT(token(), HasSubstr("standard input is no terminal")); }
}

TEST(ExecCredential, MustBeComplete) {
  const auto says = [](const std::string& text) {
    const auto read = read_exec_credential(text, kV1);
    return read ? "taken" : read.error().message;
  };
  EXPECT_EQ(says(credential(R"("token":"a","other":1)")), "taken");
  EXPECT_THAT(says(""), StartsWith("it printed no ExecCredential"));
  EXPECT_THAT(says("[]"), HasSubstr("that is no ExecCredential"));
  EXPECT_THAT(says(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})"), HasSubstr("v1beta1, not"));
  EXPECT_THAT(says(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})"), HasSubstr("no status"));
  EXPECT_THAT(says(credential("")), HasSubstr("neither token nor"));
  EXPECT_THAT(says(credential(R"("token":1)")), HasSubstr("neither token nor"));
  EXPECT_THAT(says(credential(R"("token":"a\r\nX: y")")), HasSubstr("a line end"));
  EXPECT_THAT(says(credential(R"("clientKeyData":"a")")), HasSubstr("only one of"));
  EXPECT_THAT(says(credential(R"("clientKeyData":"a","clientCertificateData":"b")")), HasSubstr("clientCertificateData: holds no certificate"));
  for (const std::string_view time : {"soon", "2001-01-01", "2001-01-01T00:00:00", "2001-13-01T00:00:00Z", "2001-01-01T00:00:00Zx"})
    EXPECT_THAT(says(credential(fmt::format(R"("token":"a","expirationTimestamp":"{}")", time))), HasSubstr("RFC 3339")) << time;
}

TEST(ExecCredential, KnowsZones) {
  const auto at = [](std::string_view time) {
    return read_exec_credential(credential(fmt::format(R"("token":"a","expirationTimestamp":"{}")", time)), kV1)->expires.value();
  };
  EXPECT_EQ(at("1970-01-02T00:00:00Z").time_since_epoch(), 24h);
  EXPECT_EQ(at("1970-01-02T00:00:00.999-02:30").time_since_epoch(), 26h + 30min);
}

}  // namespace
}  // namespace dbm::kube
