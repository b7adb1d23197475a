#include "kube/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/late_libcurl.h"
#include "kube/testing.h"
#include "testing/http_peer.h"
#include "testing/throwaway_ca.h"

namespace dbm::kube {
namespace {

using dbm::testing::http_answer;
using dbm::testing::HttpPeer;
using dbm::testing::HttpReply;
using dbm::testing::HttpRequest;
using dbm::testing::ThrowawayCa;
using secrets::Secret;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using After = HttpReply::After;

/// Turns until `done`; a test that needs longer than this has failed.
void drive(Http& http, const bool& done) {
  const auto end = std::chrono::steady_clock::now() + seconds(30);
  while (!done && std::chrono::steady_clock::now() < end) http.turn(milliseconds(50));
  ASSERT_TRUE(done) << "no answer";
}

Reply ask(Http& http, Request request) {
  Reply out;
  bool done = false;
  http.start(std::move(request), [&](Reply&& reply) {
    out = std::move(reply);
    done = true;
  });
  drive(http, done);
  return out;
}

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (load_libcurl() == nullptr) GTEST_SKIP() << "no libcurl.so.4 here";
  }
  /// One request with a connection of its own.
  Reply ask_once(Request request = {.path = "/version", .body = {}}) {
    auto http = Http::open(config_);
    EXPECT_TRUE(http.ok());
    return ask(**http, std::move(request));
  }
  Reply ask_once(const HttpPeer& peer) {
    config_.server = peer.url();
    return ask_once();
  }
  /// What becomes of a request to which a server says this.
  Reply answered(HttpReply reply) {
    const HttpPeer peer([&](const HttpRequest&) { return reply; });
    return ask_once(peer);
  }

  const testing::Environment no_proxies_{testing::no_proxies()};
  Config config_;
};

// ---- what is sent ----

TEST_F(HttpTest, SendsWhatWasAskedFor) {
  const HttpPeer peer = HttpPeer::script({
      {.request = "GET /version", .headers = {"Accept: text/plain", "Authorization: Bearer abc"}, .body = ""},
      {.request = "PATCH /apis/a?b=c", .headers = {"Content-Type: application/apply-patch+yaml", "Content-Length: 7"}, .body = "{\"a\":1}"},
      {.request = "POST /empty", .headers = {"Content-Length: 0"}, .body = ""},
      {.request = "DELETE /it", .body = ""},
      {.request = "PUT /it", .body = std::string(100'000, 'x')},
  });
  config_.server = peer.url();
  config_.token = Secret("abc");
  const auto http = Http::open(config_);
  ask(**http, {.path = "/version", .body = {}, .accept = "text/plain"});
  ask(**http, {.method = Method::kPatch, .path = "/apis/a?b=c", .body = "{\"a\":1}", .content_type = "application/apply-patch+yaml"});
  ask(**http, {.method = Method::kPost, .path = "/empty", .body = {}});
  ask(**http, {.method = Method::kDelete, .path = "/it", .body = {}});
  ask(**http, {.method = Method::kPut, .path = "/it", .body = std::string(100'000, 'x')});
  EXPECT_EQ(peer.complaints(), "");
  EXPECT_EQ(peer.connections(), 1) << "the connection is used again";
  for (const HttpRequest& request : peer.requests()) {
    EXPECT_EQ(request.header("expect"), "") << "a large body does not wait for a 100";
    EXPECT_THAT(request.header("user-agent"), HasSubstr("cnpg-dbm/"));
  }
}

TEST_F(HttpTest, SaysWhoItIs) {
  const HttpPeer peer = HttpPeer::script({{.request = "GET /version",
                                           .headers = {"Authorization: Basic YWRtaW46aHVudGVyMg==", "Impersonate-User: jane",
                                                       "Impersonate-Group: a", "Impersonate-Group: b"}}});
  config_.user = "admin";
  config_.password = Secret("hunter2");
  config_.as_user = "jane";
  config_.as_groups = {"a", "b"};
  EXPECT_EQ(ask_once(peer).status, 200);
  EXPECT_EQ(peer.complaints(), "");
}

TEST_F(HttpTest, NothingIsSentWithoutWhatTheKubeconfigSays) {
  const std::string too_long(9'000'000, 'A');  // libcurl takes 8 MB
  config_.server = "https://127.0.0.1:1";
  config_.ca_pem = too_long;
  const Reply reply = ask_once();
  EXPECT_EQ(reply.broken, Broken::kRefused) << "it would be sent to whom the system's authorities trust";
  EXPECT_THAT(reply.failure.message, HasSubstr("libcurl does not take"));

  config_.ca_pem = {};
  EXPECT_EQ(ask_once().broken, Broken::kUnreached) << "without it: nobody listens there";
}

// ---- answers ----

TEST_F(HttpTest, GivesTheAnswerAsItIs) {
  const Reply refused = answered(http_answer(429, "later", "Retry-After: 7\r\n"));
  EXPECT_EQ(refused.broken, Broken::kNot);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, "later");
  EXPECT_EQ(refused.retry_after, seconds(7));
  const Reply moved = answered(http_answer(302, "", "Location: http://127.0.0.1:1/\r\n"));
  EXPECT_EQ(moved.status, 302) << "redirects are not followed";
}

TEST_F(HttpTest, TakesBigAnswersWithALengthAndInChunks) {
  const std::string big(20 << 20, 'x');
  EXPECT_TRUE(answered(http_answer(200, big)).body == big);
  const Reply chunks = answered({.bytes = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"});
  EXPECT_EQ(chunks.broken, Broken::kNot);
  EXPECT_EQ(chunks.body, "abcde");
  const Reply endless = answered({.bytes = "HTTP/1.1 200 X\r\n\r\nabc", .after = After::kClose});
  EXPECT_EQ(endless.body, "abc") << "the end of the connection is the end of an answer without a length";
}

TEST_F(HttpTest, AnAnswerThatIsCutShortIsNone) {
  const struct {
    const char* what;
    const char* bytes;
  } rows[] = {
      {"nothing", ""},
      {"half a status line", "HTTP/1.1 2"},
      {"half of the headers", "HTTP/1.1 200 X\r\nContent-Le"},
      {"less than its length", "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n12345"},
      {"no last chunk", "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
      {"half a chunk", "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabc"},
  };
  for (const auto& row : rows)
    for (const After after : {After::kClose, After::kReset}) {
      const Reply reply = answered({.bytes = row.bytes, .after = after});
      EXPECT_EQ(reply.broken, Broken::kLost) << row.what << ", by reset: " << (after == After::kReset) << ": " << reply.failure.message;
    }
}

TEST_F(HttpTest, AConnectionThatIsResetBeforeTheRequestIsLost) {
  const HttpPeer peer([](const HttpRequest&) { return http_answer(200); }, {.admits = [](int number) { return number > 0; }});
  config_.server = peer.url();
  const auto http = Http::open(config_);
  EXPECT_EQ(ask(**http, {.path = "/", .body = {}}).broken, Broken::kLost);
  EXPECT_EQ(ask(**http, {.path = "/", .body = {}}).status, 200);
}

TEST_F(HttpTest, AConnectionThatTheServerClosedIsReplaced) {
  const HttpPeer peer([](const HttpRequest&) {
    HttpReply out = http_answer(200);
    out.after = After::kClose;
    return out;
  });
  config_.server = peer.url();
  const auto http = Http::open(config_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(**http, {.path = "/", .body = {}}).status, 200);
  EXPECT_EQ(peer.connections(), 3);
}

TEST_F(HttpTest, AFreshConnectionIsOne) {
  const HttpPeer peer([](const HttpRequest&) { return http_answer(200); });
  config_.server = peer.url();
  const auto http = Http::open(config_);
  for (const bool fresh : {false, false, true}) ask(**http, {.path = "/", .body = {}, .fresh_connection = fresh});
  EXPECT_EQ(peer.connections(), 2);
}

TEST_F(HttpTest, ManyAtOnceOverFewConnections) {
  const HttpPeer peer([](const HttpRequest& request) { return http_answer(200, request.target); });
  config_.server = peer.url();
  const auto http = Http::open(config_);
  std::vector<std::string> bodies(100);
  size_t left = bodies.size();
  bool done = false;
  for (size_t i = 0; i < bodies.size(); ++i)
    (*http)->start({.path = fmt::format("/{}", i), .body = {}}, [&, i](Reply&& reply) {
      bodies[i] = reply.body;
      done = --left == 0;
    });
  drive(**http, done);
  for (size_t i = 0; i < bodies.size(); ++i) EXPECT_EQ(bodies[i], fmt::format("/{}", i));
  EXPECT_LE(peer.connections(), 8);
}

TEST_F(HttpTest, ABodyComesPieceByPieceUntilItIsEnough) {
  const HttpPeer peer([](const HttpRequest&) { return HttpReply{.bytes = "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc"}; });
  config_.server = peer.url();
  const auto http = Http::open(config_);
  Reply out;
  bool done = false;
  std::string got;
  (*http)->stream({.path = "/", .body = {}, .silence = milliseconds(0)}, [&](std::string_view piece) {
    got += piece;
    return got != "abc";
  }, [&](Reply&& reply) {
    out = std::move(reply);
    done = true;
  });
  drive(**http, done);
  EXPECT_EQ(out.broken, Broken::kNot) << "it was ended by who reads it";
  EXPECT_EQ(out.status, 200);
}

TEST_F(HttpTest, WhatIsAbandonedIsNotAnswered) {
  const HttpPeer peer([](const HttpRequest&) { return HttpReply{.held = true}; });
  config_.server = peer.url();
  const auto http = Http::open(config_);
  bool answered = false;
  (*http)->start({.path = "/", .body = {}}, [&](Reply&&) { answered = true; });
  while (peer.requests().empty()) (*http)->turn(milliseconds(10));
  (*http)->abandon();
  EXPECT_EQ((*http)->in_flight(), 0u);
  (*http)->turn(milliseconds(0));
  EXPECT_FALSE(answered);
}

// ---- TLS ----

class HttpsTest : public HttpTest {
 protected:
  /// A server that has this certificate.
  std::unique_ptr<HttpPeer> peer(const std::string& names) {
    return std::make_unique<HttpPeer>([](const HttpRequest&) { return http_answer(200); },
                                      dbm::testing::HttpPeerOptions{.tls = ca_.server(names)});
  }
  const ThrowawayCa ca_;
};

TEST_F(HttpsTest, TheCertificateMustBeOfTheAuthorityAndTheHost) {
  const auto server = peer("IP:127.0.0.1");
  config_.ca_pem = ca_.certificate();
  EXPECT_EQ(ask_once(*server).status, 200);

  config_.ca_pem = ThrowawayCa("another").certificate();
  const Reply foreign = ask_once(*server);
  EXPECT_EQ(foreign.broken, Broken::kRefused) << foreign.failure.message;
  EXPECT_THAT(foreign.failure.hint, HasSubstr("certificate-authority"));
  config_.ca_pem = ThrowawayCa().certificate();
  const Reply namesake = ask_once(*server);
  EXPECT_NE(namesake.broken, Broken::kNot);
  EXPECT_THAT(namesake.failure.hint, HasSubstr("certificate-authority"));
  config_.ca_pem = {};
  EXPECT_EQ(ask_once(*server).broken, Broken::kRefused) << "the system's authorities do not know it either";

  config_.ca_pem = ca_.certificate();
  EXPECT_EQ(ask_once(*peer("DNS:api.example,IP:127.0.0.2")).broken, Broken::kRefused);
  EXPECT_EQ(server->requests().size(), 1u) << "whoever is not verified sees no request";
}

TEST_F(HttpsTest, TlsServerNameIsTheNameOfTheCertificate) {
  const auto server = peer("DNS:api.example");
  config_.ca_pem = ca_.certificate();
  EXPECT_EQ(ask_once(*server).broken, Broken::kRefused);
  config_.tls_server_name = "api.example";
  EXPECT_EQ(ask_once(*server).status, 200);
  config_.tls_server_name = "other.example";
  EXPECT_EQ(ask_once(*server).broken, Broken::kRefused);
}

TEST_F(HttpsTest, AnAnswerThatIsCutShortIsNone) {
  config_.ca_pem = ca_.certificate();
  for (const After after : {After::kClose, After::kReset}) {
    const HttpReply reply{.bytes = "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n12345", .after = after};
    const HttpPeer server([&](const HttpRequest&) { return reply; }, {.tls = ca_.server("IP:127.0.0.1")});
    EXPECT_EQ(ask_once(server).broken, Broken::kLost);
  }
}

// ---- a proxy ----

class ProxyTest : public HttpTest {
 protected:
  /// A request for https://api.example:6443 through a proxy that answers CONNECT so.
  Reply ask_through(HttpReply to_connect) {
    proxy_ = std::make_unique<HttpPeer>(
        [to_connect](const HttpRequest& request) { return request.method == "CONNECT" ? to_connect : http_answer(200, "through"); },
        dbm::testing::HttpPeerOptions{.tls = ca_.server("DNS:api.example"), .tls_at_once = false});
    config_.server = "https://api.example:6443";
    config_.ca_pem = ca_.certificate();
    config_.proxy_url = fmt::format("http://me:hunter2@127.0.0.1:{}", proxy_->port());
    config_.token = Secret("abc");
    return ask_once();
  }
  const ThrowawayCa ca_;
  std::unique_ptr<HttpPeer> proxy_;
};

TEST_F(ProxyTest, CarriesTlsThrough) {
  const Reply reply = ask_through({.bytes = "HTTP/1.1 200 X\r\n\r\n", .after = After::kStartTls});
  EXPECT_EQ(reply.body, "through") << reply.failure.message;
  const auto requests = proxy_->requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].target, "api.example:6443");
  EXPECT_EQ(requests[0].header("proxy-authorization"), "Basic bWU6aHVudGVyMg==");
  EXPECT_EQ(requests[0].header("authorization"), "") << "the token is not the proxy's";
  EXPECT_TRUE(requests[1].tls);
  EXPECT_EQ(requests[1].header("authorization"), "Bearer abc");
  EXPECT_EQ(requests[1].header("proxy-authorization"), "") << "the proxy's password is not the server's";
}

TEST_F(ProxyTest, ThatWantsAnotherPasswordIsNotAskedAgain) {
  const Reply reply = ask_through(http_answer(407, "", "Proxy-Authenticate: Basic realm=\"p\"\r\n"));
  EXPECT_EQ(reply.broken, Broken::kRefused);
  EXPECT_THAT(reply.failure.hint, HasSubstr("another user or password"));
  EXPECT_THAT(reply.failure.message, Not(HasSubstr("hunter2")));
}

TEST_F(ProxyTest, ThatDoesNotCarryItThroughMayLater) {
  for (const int status : {502, 503}) EXPECT_EQ(ask_through(http_answer(status, "")).broken, Broken::kUnreached) << status;
  EXPECT_EQ(ask_through(http_answer(403, "")).broken, Broken::kRefused);
}

TEST_F(ProxyTest, ThatHangsUpMayNotNextTime) {
  EXPECT_THAT(ask_through({.after = After::kReset}).broken, ::testing::AnyOf(Broken::kLost, Broken::kUnreached));
}

}  // namespace
}  // namespace dbm::kube
