#include "kube/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/resource.h"
#include "kube/late_libcurl.h"
#include "kube/testing.h"
#include "testing/http_peer.h"
#include "yaml/at.h"

namespace dbm::kube {
namespace {

using dbm::testing::http_answer;
using dbm::testing::http_refusal;
using dbm::testing::HttpPeer;
using dbm::testing::HttpReply;
using dbm::testing::HttpRequest;

/// A page of objects with these names; `next` is where the following one begins.
HttpReply page(std::initializer_list<std::string_view> names, std::string_view next = "", std::string_view version = "7") {
  std::string items;
  for (const std::string_view name : names) items += fmt::format(R"({}{{"metadata":{{"name":"{}"}}}})", items.empty() ? "" : ",", name);
  return http_answer(200, fmt::format(R"({{"metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})", version, next, items));
}

constexpr std::string_view kFirst = "GET /api/v1/namespaces/prod/secrets?limit=2", kSecond = "GET /api/v1/namespaces/prod/secrets?limit=2&continue=n";

class ListTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (load_libcurl() == nullptr) GTEST_SKIP() << "no libcurl.so.4 here";
  }
  /// "a b @7": the names and the version; or the error.
  static std::string listed(const HttpPeer& peer, ListOptions options = {.page = 2}) {
    Config config;
    config.server = peer.url();
    const auto client = Client::open(config);
    EXPECT_TRUE(client.ok());
    (*client)->set_deadline(Client::Clock::now() + std::chrono::seconds(30));
    std::string out;
    list(**client, *well_known("v1", "Secret"), "prod", options, [&](Result<std::unique_ptr<Listing>> got, const ApiError* error) {
      if (!got) {
        out = fmt::format("{} ({})", got.error().message, error != nullptr ? error->status : -1);
        return;
      }
      for (const yaml::Value& item : (*got)->items) out += fmt::format("{} ", text_at(item, {"metadata", "name"}));
      out += "@" + (*got)->resource_version;
    });
    (*client)->drive();
    return out;
  }
  const testing::Environment no_proxies_{testing::no_proxies()};
};

TEST_F(ListTest, GoesPageByPage) {
  const HttpPeer peer = HttpPeer::script({
      {std::string(kFirst), page({"a", "b"}, "n")},
      {std::string(kSecond), page({"c"}, "", "9")},
  });
  EXPECT_EQ(listed(peer), "a b c @9");
  EXPECT_EQ(peer.complaints(), "");
}

TEST_F(ListTest, BeginsAgainWhenItGrewTooOld) {
  const HttpPeer peer = HttpPeer::script({
      {std::string(kFirst), page({"a", "b"}, "n")},
      {std::string(kSecond), http_refusal(410, "Expired")},
      {std::string(kFirst), page({"b", "c"}, "n")},
      {std::string(kSecond), page({"d"}, "", "9")},
  });
  EXPECT_EQ(listed(peer), "b c d @9") << "nothing of the first page is left, nothing is there twice";
  EXPECT_EQ(peer.complaints(), "");
}

TEST_F(ListTest, DoesNotBeginAgainForEver) {
  const HttpPeer peer([](const HttpRequest& request) {
    return request.target.find("continue") == std::string::npos ? page({"a"}, "n") : http_refusal(410, "Expired");
  });
  EXPECT_EQ(listed(peer), "cannot list secrets in namespace prod: Expired (410)");
  EXPECT_EQ(peer.requests().size(), 12u);
}

TEST_F(ListTest, TellsWhatItGot) {
  const HttpPeer forbidden([](const HttpRequest&) { return http_refusal(403, "Forbidden"); });
  EXPECT_EQ(listed(forbidden), "cannot list secrets in namespace prod: Forbidden (403)");
  const HttpPeer nonsense([](const HttpRequest&) { return http_answer(200, "<html>"); });
  EXPECT_THAT(listed(nonsense), ::testing::StartsWith("the list of secrets: "));
}

TEST_F(ListTest, AsksForLabelsAndFields) {
  const HttpPeer peer = HttpPeer::script({{"GET /api/v1/namespaces/prod/secrets?limit=5&labelSelector=a%3Db&fieldSelector=c%3Dd", page({})}});
  EXPECT_EQ(listed(peer, {.label_selector = "a=b", .field_selector = "c=d", .page = 5}), "@7");
  EXPECT_EQ(peer.complaints(), "");
}

}  // namespace
}  // namespace dbm::kube
