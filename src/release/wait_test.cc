#include "release/wait.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "kube/late_libcurl.h"
#include "kube/testing.h"
#include "release/testing.h"
#include "testing/http_peer.h"

namespace dbm::release {
namespace {

using dbm::testing::http_answer;
using dbm::testing::http_refusal;
using dbm::testing::HttpPeer;
using dbm::testing::HttpReply;
using dbm::testing::HttpRequest;
using ::testing::HasSubstr;

constexpr std::string_view kCluster =
    R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"main","namespace":"prod","resourceVersion":"8"},)"
    R"("spec":{"instances":1},"status":{"phase":"Cluster in healthy state","instances":1,"readyInstances":1}})";
constexpr std::string_view kPooler =
    R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Pooler","metadata":{"name":"main","namespace":"prod","resourceVersion":"8"},)"
    R"("spec":{"instances":1},"status":{"instances":1}})";

HttpReply list_of(std::string_view item) {
  return http_answer(200, fmt::format(R"({{"kind":"List","metadata":{{"resourceVersion":"7"}},"items":[{}]}})", item));
}
HttpReply event(std::string_view object) {
  return http_answer(200, fmt::format("{{\"type\":\"MODIFIED\",\"object\":{}}}\n", object));
}
bool is_watch(const HttpRequest& asked) { return asked.target.find("watch=true") != std::string::npos; }
bool is_list(const HttpRequest& asked) { return !is_watch(asked); }

class Wait : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kube::load_libcurl() == nullptr) GTEST_SKIP() << "no libcurl.so.4 here";
  }
  const kube::testing::Environment no_proxies_{kube::testing::no_proxies()};
  /// Waits for one object called main; gives up, failing, after a time that no test needs.
  static WaitResult wait(const HttpPeer& server, std::string_view group_kind, const std::string& ns = "prod") {
    kube::Config config;
    config.server = server.url();
    const auto client = kube::Client::open(config);
    EXPECT_TRUE(client.ok());
    (*client)->set_deadline(kube::Client::Clock::now() + std::chrono::seconds(20));
    kube::Kinds kinds;
    Release release = testing::kShop;
    release.ns = ns;
    Targets targets;
    targets[std::string(group_kind)].emplace_back(ns, "main");
    return wait_until_ready(**client, kinds, release, targets, nullptr);
  }
};

TEST_F(Wait, AWatchThatIsRefusedIsSaid) {
  for (const int status : {403, 404}) {
    const HttpPeer server([&](const HttpRequest& asked) { return is_watch(asked) ? http_refusal(status, "Forbidden") : list_of(""); });
    const WaitResult result = wait(server, testing::kClusterKind);
    ASSERT_FALSE(result.failure.ok());
    EXPECT_THAT(result.failure.error().message, HasSubstr("cannot watch clusters.postgresql.cnpg.io in namespace prod"));
    EXPECT_EQ(server.requests().size(), 2u) << "one list, one watch";
  }
}

TEST_F(Wait, AWatchThatFailsGoesOnFromWhereItWas) {
  int watches = 0;
  const HttpPeer server([&](const HttpRequest& asked) {
    if (is_list(asked)) return list_of("");
    return ++watches < 4 ? http_refusal(500, "InternalError") : event(kCluster);
  });
  const WaitResult result = wait(server, testing::kClusterKind);
  EXPECT_TRUE(result.ready);
  const auto asked = server.requests();
  EXPECT_EQ(std::ranges::count_if(asked, is_list), 1) << "nothing was missed: nothing is listed anew";
  EXPECT_EQ(std::ranges::count_if(asked, is_watch), 4);
}

TEST_F(Wait, AWatchThatIsTooOldBeginsWithAList) {
  int lists = 0;
  const HttpPeer server([&](const HttpRequest& asked) {
    if (is_watch(asked)) return http_refusal(410, "Expired");
    return ++lists < 3 ? list_of("") : list_of(kCluster);
  });
  EXPECT_TRUE(wait(server, testing::kClusterKind).ready);
}

TEST_F(Wait, ANamespaceCalledDeploymentsIsNoExcuse) {
  const HttpPeer server([](const HttpRequest&) { return http_refusal(403, "Forbidden"); });
  const WaitResult result = wait(server, testing::kClusterKind, "deployments");
  ASSERT_FALSE(result.failure.ok()) << "it would wait until the deadline";
  EXPECT_THAT(result.failure.error().message, HasSubstr("in namespace deployments"));
}

TEST_F(Wait, DeploymentsNeedNotBeSeen) {
  const HttpPeer server([](const HttpRequest& asked) {
    if (asked.target.find("/deployments") != std::string::npos) return http_refusal(403, "Forbidden");
    return is_watch(asked) ? event(kPooler) : list_of("");
  });
  EXPECT_TRUE(wait(server, testing::kPoolerKind).ready);
}

}  // namespace
}  // namespace dbm::release
