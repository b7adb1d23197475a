#include "kube/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/late_libcurl.h"
#include "kube/testing.h"

namespace dbm::kube {
namespace {

/// The answer to one request.
Reply ask(const Config& config) {
  auto http = Http::open(config);
  EXPECT_TRUE(http.ok());
  Reply out;
  bool done = false;
  (*http)->start({.path = "/version", .body = {}}, [&](Reply&& reply) {
    out = std::move(reply);
    done = true;
  });
  while (!done) (*http)->turn(std::chrono::milliseconds(50));
  return out;
}

TEST(Http, NothingIsSentWithoutWhatTheKubeconfigSays) {
  if (load_libcurl() == nullptr) GTEST_SKIP() << "no libcurl.so.4 here";
  const testing::Environment environment(testing::no_proxies());
  const std::string too_long(9'000'000, 'A');  // libcurl takes 8 MB
  Config config;
  config.server = "https://127.0.0.1:1";
  config.ca_pem = too_long;
  const Reply reply = ask(config);
  EXPECT_EQ(reply.broken, Broken::kRefused) << "it would be sent to whom the system's authorities trust";
  EXPECT_THAT(reply.failure.message, ::testing::HasSubstr("libcurl does not take"));

  config.ca_pem = {};
  EXPECT_EQ(ask(config).broken, Broken::kUnreached) << "without it: nobody listens there";
}

}  // namespace
}  // namespace dbm::kube
