#include "kube/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/testing.h"
#include "kube/url.h"
#include "secrets/base64.h"

namespace dbm::kube {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

std::string base64(std::string_view text) {
  std::string out;
  secrets::append_base64(out, text);
  return out;
}

/// A file with one context; `cluster` and `user` are lines of six spaces.
std::string kubeconfig(std::string_view cluster, std::string_view user, std::string_view context = "") {
  return fmt::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
      "contexts:\n  - name: main\n    context:\n      cluster: c\n      user: u\n{}"
      "clusters:\n  - name: c\n    cluster:\n      server: https://api.example.com:6443/\n{}"
      "users:\n  - name: u\n    user:\n      as-user-extra: ~\n{}",
      context, cluster, user);
}

class ConfigTest : public ::testing::Test {
 protected:
  Result<Config> load(const std::string& text) { return load_config({.kubeconfig = folder.write("config", text)}); }
  /// The message and the hint; empty when it is taken.
  std::string refusal(const std::string& text) {
    const auto config = load(text);
    return config ? "" : config.error().message + " | " + config.error().hint;
  }

  Folder folder;
  Environment environment{{{"KUBECONFIG", {}}, {"HOME", folder.path("home")}, {"KUBERNETES_SERVICE_HOST", {}}, {"KUBERNETES_SERVICE_PORT", {}}}};
};

// ---- what is taken ----

TEST_F(ConfigTest, TakesEverythingOfAContext) {
  folder.write("tls/ca.crt", kCertificate);
  folder.write("tls/user.crt", kCertificate + "user");
  folder.write("tls/user.key", kKey);
  const auto config = load(kubeconfig("      certificate-authority: tls/ca.crt\n      tls-server-name: kube\n"
                                      "      proxy-url: socks5://u:p@proxy:1080\n      disable-compression: true\n",
                                      "      client-certificate: ./tls/user.crt\n      client-key: tls/user.key\n"
                                      "      token: abc\n      as: admin\n      as-groups: [g1, g2]\n",
                                      "      namespace: shop\n"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->context, "main");
  EXPECT_EQ(config->server, "https://api.example.com:6443");
  EXPECT_EQ(config->tls_server_name, "kube");
  EXPECT_EQ(config->ca_pem, kCertificate);
  EXPECT_EQ(config->proxy_url, "socks5://u:p@proxy:1080");
  EXPECT_EQ(config->ns, "shop");
  EXPECT_FALSE(config->compression);
  EXPECT_EQ(config->client_certificate, kCertificate + "user");
  EXPECT_EQ(config->client_key.reveal(), kKey);
  EXPECT_EQ(config->token.reveal(), "abc");
  EXPECT_EQ(config->as_user, "admin");
  EXPECT_THAT(config->as_groups, ElementsAre("g1", "g2"));
  EXPECT_THAT(config->where, HasSubstr("config:19: user \"u\""));
}

TEST_F(ConfigTest, TakesDataInBase64EvenInSeveralLines) {
  std::string key = base64(kKey);
  key.insert(20, "\n        ");
  const auto config = load(kubeconfig("      certificate-authority-data: " + base64(kCertificate) + "\n",
                                      "      client-certificate-data: " + base64(kCertificate) + "\n      client-key-data: |\n        " + key + "\n"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->ca_pem, kCertificate);
  EXPECT_EQ(config->client_certificate, kCertificate);
  EXPECT_EQ(config->client_key.reveal(), kKey);
}

TEST_F(ConfigTest, TakesJson) {
  const auto config = load(R"({"kind":"Config","current-context":"m","contexts":[{"name":"m","context":{"cluster":"c","user":"u"}}],)"
                           R"("clusters":[{"name":"c","cluster":{"server":"https:\/\/[::1]:6443"}}],"users":[{"name":"u","user":{"token":"a\u003cb"}}]})");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server, "https://[::1]:6443");
  EXPECT_EQ(config->token.reveal(), "a<b");
}

TEST_F(ConfigTest, TakesNamesAndPasswordsAndAContextWithoutAUser) {
  auto config = load(kubeconfig("", "      username: admin\n      password: hunter2\n"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->user, "admin");
  EXPECT_EQ(config->password.reveal(), "hunter2");
  config = load("current-context: m\ncontexts: [{name: m, context: {cluster: c}}]\n"
                "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:8001'}}]\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server, "http://127.0.0.1:8001");
}

TEST_F(ConfigTest, TakesAnExecPlugin) {
  const auto config = load(kubeconfig("      extensions:\n        - name: client.authentication.k8s.io/exec\n          extension: {audience: x}\n",
                                      "      exec:\n        apiVersion: client.authentication.k8s.io/v1\n        command: ./bin/login\n"
                                      "        args: [get, --all]\n        env: [{name: A, value: b}, {name: C}]\n        installHint: brew install login\n"
                                      "        interactiveMode: Never\n        provideClusterInfo: true\n"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_TRUE(config->exec);
  EXPECT_EQ(config->exec->command, folder.path("bin/login"));
  EXPECT_THAT(config->exec->args, ElementsAre("get", "--all"));
  EXPECT_THAT(config->exec->env, ElementsAre(Pair("A", "b"), Pair("C", "")));
  EXPECT_EQ(config->exec->install_hint, "brew install login");
  EXPECT_EQ(config->exec->interactive, Interactive::kNever);
  EXPECT_EQ(config->exec->cluster_info, R"({"server":"https://api.example.com:6443","config":{"audience":"x"}})");
}

TEST_F(ConfigTest, ATokenGoesBeforeAPlugin) {
  const auto config = load(kubeconfig("", "      tokenFile: token\n      exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login}\n"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_FALSE(config->exec);
  EXPECT_EQ(config->token_file, folder.path("token"));
}

TEST_F(ConfigTest, MistakesElsewhereAreNone) {
  const auto config = load(kubeconfig("", "") + "  - {name: other, user: {token: 1, auth-provider: {name: gcp}}}\n");
  EXPECT_TRUE(config.ok()) << config.error().message;
}

TEST_F(ConfigTest, FilesOthersMayReadAreTaken) {
  EXPECT_TRUE(load_config({.kubeconfig = folder.write("open", kubeconfig("", "      token: abc\n"), 0644)}).ok());
}

// ---- choosing and merging ----

TEST_F(ConfigTest, FlagsGoFirst) {
  const std::string file = folder.write("config", kubeconfig("", "", "      namespace: shop\n  - {name: two, context: {cluster: c, namespace: two}}\n"));
  EXPECT_EQ(load_config({.kubeconfig = file, .ns = "mine"})->ns, "mine");
  const auto two = load_config({.kubeconfig = file, .context = "two"});
  ASSERT_TRUE(two.ok()) << two.error().message;
  EXPECT_EQ(two->context, "two");
  EXPECT_EQ(two->ns, "two");
}

TEST_F(ConfigTest, TheFirstFileWinsANameAndTheCurrentContext) {
  const std::string one = folder.write("one/config", "clusters: [{name: c, cluster: {server: 'https://one', certificate-authority: ca}}]\n");
  const std::string two = folder.write("two/config", kubeconfig("", "      tokenFile: token\n"));
  const std::string three = folder.write("three", "current-context: three\nclusters: ~\n");
  folder.write("one/ca", kCertificate);
  const Environment list{{{"KUBECONFIG", ":" + folder.path("missing") + ":" + one + ":" + two + ":" + two + ":" + three}}};
  const auto config = load_config({});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->context, "main");
  EXPECT_EQ(config->server, "https://one");
  EXPECT_EQ(config->ca_pem, kCertificate) << "relative to its own file";
  EXPECT_EQ(config->token_file, folder.path("two/token"));
}

TEST_F(ConfigTest, TheHomeFolderIsLookedAtLast) {
  folder.write("home/.kube/config", kubeconfig("", ""));
  EXPECT_TRUE(load_config({}).ok());
  const Environment other{{{"KUBECONFIG", folder.path("missing")}}};
  EXPECT_THAT(load_config({}).error().message, AllOf(HasSubstr("no cluster is known"), HasSubstr(folder.path("missing"))));
}

TEST_F(ConfigTest, AFileThatIsAskedForMustBeThereAndHoldSomething) {
  EXPECT_THAT(load_config({.kubeconfig = folder.path("none")}).error().message, HasSubstr("cannot read " + folder.path("none")));
  EXPECT_THAT(load_config({.kubeconfig = folder.path("")}).error().message, HasSubstr("cannot read"));
  EXPECT_THAT(refusal(""), HasSubstr("config holds no cluster"));
  EXPECT_THAT(load_config({.context = "main"}).error().message, HasSubstr("no cluster is known"));
}

// ---- in a Pod ----

TEST_F(ConfigTest, TakesTheServiceAccountOfAPod) {
  const Environment pod{{{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}};
  folder.write("sa/token", "abc\n");
  folder.write("sa/namespace", "shop\n");
  const ConfigFlags flags{.service_account = folder.path("sa")};
  EXPECT_THAT(load_config(flags).error().message, HasSubstr("ca.crt"));
  folder.write("sa/ca.crt", kCertificate);
  const auto config = load_config(flags);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->context, "in-cluster");
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->ns, "shop");
  EXPECT_EQ(config->token_file, folder.path("sa/token"));
  EXPECT_EQ(load_config({.ns = "mine", .service_account = folder.path("sa")})->ns, "mine");
  EXPECT_FALSE(load_config({.context = "x", .service_account = folder.path("sa")}).ok());

  folder.write("home/.kube/config", kubeconfig("", ""));
  EXPECT_EQ(load_config(flags)->context, "main") << "a kubeconfig goes first";
}

// ---- what is refused ----

TEST_F(ConfigTest, NamesTheFileAndTheKey) {
  const std::string file = folder.path("config");
  const struct { std::string cluster, user, says; } cases[] = {
      {"      insecure-skip-tls-verify: true\n", "", ":10: cluster \"c\": insecure-skip-tls-verify: an API server"},
      {"      insecure-skip-tls-verify: maybe\n", "", ": insecure-skip-tls-verify: must be true or false"},
      {"      certificate-authority: none\n", "", ": certificate-authority: cannot read " + folder.path("none")},
      {"      certificate-authority-data: '#'\n", "", ": certificate-authority-data: is not Base64"},
      {"      certificate-authority-data: AAAA\n", "", ": certificate-authority-data: holds no certificate"},
      {"      certificate-authority: a\n      certificate-authority-data: AAAA\n", "", ": certificate-authority: certificate-authority-data is there too"},
      {"      proxy-url: ftp://proxy\n", "", ": proxy-url: must be a URL"},
      {"", "      auth-provider: {name: gcp}\n", ":14: user \"u\": auth-provider: is gone from Kubernetes | use an exec plugin: gke-gcloud-auth-plugin"},
      {"", "      token: 12345\n", ": token: must be text, not a number"},
      {"", "      token: \"a\\nb\"\n", ": token: holds a line end"},
      {"", "      token: a\n      username: b\n", ": token: username is there too"},
      {"", "      password: b\n", ": username: is missing"},
      {"", "      client-key-data: " + base64(kKey) + "\n", ": client-certificate: is missing"},
      {"", "      client-certificate-data: " + base64(kCertificate) + "\n", ": client-key: is missing"},
      {"", "      client-key-data: " + base64("-----BEGIN ENCRYPTED PRIVATE KEY-----") + "\n", ": client-key-data: is encrypted"},
      {"", "      as-groups: [g]\n", ": as-groups: needs a user"},
      {"", "      as-uid: '1'\n", ": as-uid: is not taken"},
      {"", "      exec: []\n", ": exec: must be a map"},
      {"", "      exec: {command: x}\n", ": exec.apiVersion: must be"},
      {"", "      exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}\n", ": exec.apiVersion: must be"},
      {"", "      exec: {apiVersion: client.authentication.k8s.io/v1beta1}\n", ": exec.command: is missing"},
      {"", "      exec: {apiVersion: client.authentication.k8s.io/v1, command: x}\n", ": exec.interactiveMode: must be"},
      {"", "      exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, interactiveMode: no}\n", ": exec.interactiveMode: must be"},
      {"", "      exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, env: [{value: b}]}\n", ": exec.env: must be"},
      {"", "      exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, args: x}\n", ": exec.args: must be a list"},
  };
  for (const auto& c : cases) EXPECT_THAT(refusal(kubeconfig(c.cluster, c.user)), AllOf(StartsWith(file + ":"), HasSubstr(c.says)));
}

TEST_F(ConfigTest, NamesWhatIsNotThere) {
  EXPECT_THAT(load_config({.kubeconfig = folder.write("config", kubeconfig("", "")), .context = "mian"}).error().hint, "did you mean \"main\"?");
  EXPECT_THAT(refusal("contexts: [{name: a, context: {}}, {name: b}]"), AllOf(HasSubstr("config has no current-context"), HasSubstr("contexts: a, b")));
  EXPECT_THAT(refusal("current-context: a\ncontexts: [{name: a, context: {}}]"), HasSubstr("context \"a\": cluster: is missing"));
  EXPECT_THAT(refusal("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]"), HasSubstr("context \"a\": cluster: there is no cluster \"c\""));
  EXPECT_THAT(refusal("current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://x'}}]"),
              HasSubstr("context \"a\": user: there is no user \"u\""));
}

TEST_F(ConfigTest, RefusesWhatIsNoKubeconfig) {
  for (const std::string text : {"[]", "x", "kind: Secret", "clusters: {}", "clusters: [x]", "clusters: [{name: 1}]", "clusters: [{name: c, cluster: x}]",
                                 "clusters: [{name: c}, {name: c}]", "current-context: [a]", "a: b: c", "a: 1\n---\nb: 2", "\xff"})
    EXPECT_THAT(refusal(text), StartsWith(folder.path("config"))) << text;
}

TEST_F(ConfigTest, NoMessageHoldsASecret) {
  for (const std::string secret : {"!hunter2", "*hunter2", "!!int hunter2", "[hunter2]", "\"hunter2", "hunter2: x", "@hunter2", "{hunter2"})
    for (const std::string key : {"token", "password", "client-key-data", "client-key", "certificate-authority-data"})
      EXPECT_THAT(refusal(kubeconfig("", "      " + key + ": " + secret + "\n")),
                  key == "client-key" && secret[0] != '!' ? ::testing::_ : ::testing::Matcher<std::string>(Not(HasSubstr("hunter2"))))
          << key;
  EXPECT_THAT(refusal(kubeconfig("", "      client-key-data: hunter2\n")), AllOf(HasSubstr("Base64"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(refusal(kubeconfig("      proxy-url: http://u:hunter2@:1\n", "")), AllOf(HasSubstr("proxy-url"), Not(HasSubstr("hunter2"))));
}

// ---- URLs ----

TEST(Url, OfServers) {
  for (const std::string_view good : {"https://h", "https://h:1", "https://h:65535/a/b", "https://10.0.0.1:6443", "https://[fd00::1]:6443", "http://localhost:8080",
                                      "http://127.0.0.1", "http://[::1]:1"})
    EXPECT_EQ(server_url(good).ok() ? *server_url(good) : "", good);
  EXPECT_EQ(*server_url("HTTPS://h:1//"), "https://h:1");
  for (const std::string_view bad : {"", "h:6443", "https://", "https:///a", "https://h:", "https://h:0", "https://h:65536", "https://h:1x", "https://[fd00::1", "https://[x]",
                                     "https://[::1]1", "https://h?a", "https://h#a", "https://h h", "https://h\n", "https://u:p@h", "http://h", "http://128.0.0.1",
                                     "http://127.evil.example", "http://localhost.example", "http://127.0.0.1@evil", "ftp://h", "https://\xc3\xa9"})
    EXPECT_FALSE(server_url(bad).ok()) << bad;
}

TEST(Url, OfProxies) {
  for (const std::string_view good : {"http://h:3128", "https://u:p@h", "socks5://127.0.0.1:1080"}) EXPECT_TRUE(proxy_url(good).ok()) << good;
  for (const std::string_view bad : {"h:3128", "socks4://h", "http://"}) EXPECT_FALSE(proxy_url(bad).ok()) << bad;
}

}  // namespace
}  // namespace dbm::kube
