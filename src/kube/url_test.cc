#include "kube/url.h"

#include <gtest/gtest.h>

namespace dbm::kube {
namespace {

TEST(WayTo, TheNameOfTheCertificateMayBeAnotherThanTheServers) {
  const struct {
    const char *server, *name, *url, *connect_to;
  } rows[] = {
      {"https://h", "", "https://h/api", ""},
      {"https://[::1]:6443", "", "https://[::1]:6443/api", ""},
      {"https://h", "kube", "https://kube:443/api", "::h:443"},
      {"https://h:6443", "kube", "https://kube:6443/api", "::h:6443"},
      {"https://10.0.0.1:6443", "kube", "https://kube:6443/api", "::10.0.0.1:6443"},
      {"https://[::1]:6443", "kube", "https://kube:6443/api", "::[::1]:6443"},
      {"https://[fd00::1]", "kube", "https://kube:443/api", "::[fd00::1]:443"},
      {"https://h:6443", "::1", "https://[::1]:6443/api", "::h:6443"},
      {"https://h/k8s/clusters/c", "kube", "https://kube:443/k8s/clusters/c/api", "::h:443"},
      {"http://localhost", "kube", "http://kube:80/api", "::localhost:80"},
  };
  for (const auto& row : rows) {
    ASSERT_TRUE(server_url(row.server).ok()) << row.server;
    const Way way = way_to(*server_url(row.server), row.name, "/api");
    EXPECT_EQ(way.url, row.url) << row.server;
    EXPECT_EQ(way.connect_to, row.connect_to) << row.server;
  }
}

TEST(IsThisMachine, AddressesAreReadAsAddresses) {
  for (const char* here : {"https://localhost", "https://127.0.0.1:6443", "https://127.9.9.9/x", "http://[::1]:1"})
    EXPECT_TRUE(is_this_machine(here)) << here;
  for (const char* elsewhere : {"https://127.evil.example", "https://localhost.example:6443", "https://[::2]", "https://h"})
    EXPECT_FALSE(is_this_machine(elsewhere)) << elsewhere;
}

}  // namespace
}  // namespace dbm::kube
