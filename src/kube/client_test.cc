#include "kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/late_libcurl.h"
#include "kube/testing.h"
#include "testing/http_peer.h"

namespace dbm::kube {
namespace {

using dbm::testing::http_answer;
using dbm::testing::http_refusal;
using dbm::testing::HttpPeer;
using dbm::testing::HttpReply;
using dbm::testing::HttpRequest;
using secrets::Secret;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using After = HttpReply::After;

Call get() { return {.verb = Verb::kGet, .path = "/version"}; }
Call apply() { return {.verb = Verb::kPatch, .body = R"({"a":1})", .content_type = kApplyPatch, .path = "/it"}; }

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (load_libcurl() == nullptr) GTEST_SKIP() << "no libcurl.so.4 here";
  }
  /// A client that gives up, failing, after a time that no test needs.
  std::unique_ptr<Client> open(const HttpPeer& peer) {
    config_.server = peer.url();
    auto client = Client::open(config_);
    EXPECT_TRUE(client.ok());
    (*client)->set_deadline(Client::Clock::now() + seconds(30));
    return std::move(client).value();
  }
  Answer ask(const HttpPeer& peer, Call call) { return open(peer)->ask(std::move(call)); }

  const testing::Environment no_proxies_{testing::no_proxies()};
  const testing::Folder folder_;
  Config config_;
};

// ---- what is tried again ----

TEST_F(ClientTest, TriesAgainWhatMayWorkTheNextTime) {
  const struct {
    const char* what;
    HttpReply first;
  } rows[] = {
      {"too many requests", http_refusal(429, "TooManyRequests")},
      {"too many requests, with a time", http_answer(429, "", "Retry-After: 0\r\n")},
      {"a server's error", http_refusal(500, "InternalError")},
      {"a gateway's error", http_answer(502, "<html>")},
      {"not available", http_refusal(503, "ServiceUnavailable")},
      {"a gateway's timeout", http_answer(504, "")},
      {"a conflict of versions within the server", http_refusal(409, "Conflict")},
      {"a reset after the request", {.after = After::kReset}},
      {"nothing", {.after = After::kClose}},
      {"half an answer", {.bytes = "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n{", .after = After::kClose}},
      {"half a chunk", {.bytes = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{", .after = After::kClose}},
  };
  for (const auto& row : rows) {
    const HttpPeer peer = HttpPeer::script({
        {.request = "PATCH /it", .reply = row.first, .body = R"({"a":1})"},
        {.request = "PATCH /it", .reply = http_answer(200, "good"), .body = R"({"a":1})"},
    });
    const Answer answer = ask(peer, apply());
    ASSERT_TRUE(answer.ok()) << row.what << ": " << answer.error().message;
    EXPECT_EQ(answer.body(), "good") << row.what;
    EXPECT_EQ(peer.complaints(), "") << row.what;
  }
}

TEST_F(ClientTest, TriesAgainAfterAResetBeforeTheRequest) {
  const HttpPeer peer([](const HttpRequest&) { return http_answer(200, "good"); }, {.admits = [](int number) { return number > 0; }});
  EXPECT_TRUE(ask(peer, get()).ok());
  EXPECT_EQ(peer.requests().size(), 1u);
}

TEST_F(ClientTest, DoesNotTryAgainWhatIsRefusedForGood) {
  const auto status = [](int code, std::string_view reason, std::string_view message = "no", std::string_view causes = "") {
    return http_answer(code, fmt::format(R"({{"reason":"{}","message":"{}","details":{{"causes":[{}]}}}})", reason, message, causes));
  };
  Call create{.verb = Verb::kCreate, .body = "{}", .path = "/it"}, conditional = apply();
  conditional.conditional = true;
  const struct {
    Call call;
    HttpReply reply;
  } rows[] = {
      {get(), status(400, "BadRequest")},
      {get(), status(403, "Forbidden")},
      {get(), status(404, "NotFound")},
      {get(), status(410, "Expired")},
      {get(), status(422, "Invalid")},
      {get(), http_answer(301, "", "Location: /other\r\n")},
      {create, status(409, "AlreadyExists")},
      {conditional, status(409, "Conflict")},
      {apply(), status(409, "Conflict", "no", R"({"reason":"FieldManagerConflict","message":"conflict with \"hpa\"","field":".spec.a"})")},
      {apply(), status(500, "InternalError", "failed to create typed patch object (/main; /v1): .spec.a: field not declared in schema")},
      {apply(), status(500, "InternalError", "etcdserver: request is too large")},
  };
  for (const auto& row : rows) {
    const HttpPeer peer([&](const HttpRequest&) { return row.reply; });
    const Answer answer = ask(peer, row.call);
    ASSERT_FALSE(answer.ok()) << row.reply.bytes;
    EXPECT_EQ(peer.requests().size(), 1u) << row.reply.bytes;
    EXPECT_THAT(row.reply.bytes, HasSubstr(std::to_string(answer.error().status)));
  }
}

TEST_F(ClientTest, GivesTheServersOwnWords) {
  const HttpPeer peer = HttpPeer::script({
      {"GET /version", http_answer(422, R"({"reason":"Invalid","message":"too small","details":{"causes":[{"reason":"R","message":"M","field":".f"}]}})")},
      {"GET /version", http_answer(422, "<html>\x1b[31m")},
      {"GET /version", http_answer(404, "")},
      {"GET /version", http_refusal(403, "user cannot get it")},
  });
  const auto client = open(peer);
  const auto error = [&] { return client->ask(get()).error(); };
  const ApiError whole = error();
  EXPECT_EQ(whole.message, "too small");
  ASSERT_EQ(whole.causes.size(), 1u);
  EXPECT_EQ(whole.causes[0].field, ".f");
  EXPECT_EQ(error().message, "<html>\\x1B[31m");
  const ApiError empty = error();
  EXPECT_EQ(empty.reason, "HTTP404");
  EXPECT_EQ(empty.message, "HTTP status 404");
  EXPECT_THAT(error().hint, HasSubstr("missing: get"));
  EXPECT_EQ(peer.complaints(), "");
}

TEST_F(ClientTest, DoesNotTryAgainAfterTheCallersPatience) {
  // The server asks for more time than there is: nothing is waited for.
  const HttpPeer peer([](const HttpRequest&) { return http_answer(429, "", "Retry-After: 59\r\n"); });
  const auto client = open(peer);
  client->set_patience(seconds(58));
  EXPECT_EQ(client->ask(get()).error().status, 429);
  EXPECT_EQ(peer.requests().size(), 1u);
}

TEST_F(ClientTest, AServerThatWasNeverThereIsToldAtOnce) {
  std::string url;
  {
    const HttpPeer gone([](const HttpRequest&) { return http_answer(200); });
    url = gone.url();
  }
  config_.server = url;
  const auto client = Client::open(config_);
  const Answer answer = (*client)->ask(get());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().reason, "Unreachable");
  EXPECT_EQ((*client)->sent(), 2u);
}

TEST_F(ClientTest, OneCallsTroubleHoldsNoOtherUp) {
  std::atomic<int> bad = 0;
  const HttpPeer peer([&](const HttpRequest& request) {
    return request.target == "/bad" && ++bad < 3 ? http_refusal(503, "ServiceUnavailable") : http_answer(200, request.target);
  });
  const auto client = open(peer);
  std::vector<std::string> order;
  for (const char* path : {"/bad", "/a", "/b"})
    client->submit({.verb = Verb::kGet, .path = path}, [&](Answer&& answer) { order.push_back(answer.ok() ? answer.body() : "error"); });
  client->drive();
  ASSERT_EQ(order.size(), 3u);
  EXPECT_EQ(order.back(), "/bad");
}

// ---- 401 ----

TEST_F(ClientTest, AFixedTokenThatIsRefusedIsTheAnswer) {
  config_.token = Secret("abc");
  const HttpPeer peer([](const HttpRequest&) { return http_refusal(401, "Unauthorized"); });
  const Answer answer = ask(peer, get());
  EXPECT_EQ(answer.error().status, 401);
  EXPECT_THAT(answer.error().hint, HasSubstr("credentials"));
  EXPECT_EQ(peer.requests().size(), 1u);
}

TEST_F(ClientTest, ATokenFileIsReadAgainWhenItsTokenIsRefused) {
  config_.token_file = folder_.write("token", "one");
  const auto written = std::filesystem::last_write_time(config_.token_file);
  const HttpPeer peer([&](const HttpRequest& request) {
    if (request.header("authorization") == "Bearer two") return http_answer(200);
    folder_.write("token", "two");
    std::filesystem::last_write_time(config_.token_file, written);
    return http_refusal(401, "Unauthorized");
  });
  const auto client = open(peer);
  EXPECT_TRUE(client->ask(get()).ok());
  EXPECT_TRUE(client->ask(get()).ok());
  EXPECT_EQ(peer.requests().size(), 3u);
}

TEST_F(ClientTest, APluginIsAskedForAnotherTokenTwiceACallAtMost) {
  // It says something new each time, and never something good.
  folder_.write("plugin", "#!/bin/sh\necho x >>" + folder_.path("runs") +
                              R"(
echo "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"t$(wc -l <)" +
                              folder_.path("runs") + R"()\"}}"
)",
                0700);
  config_.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1", .command = folder_.path("plugin")};
  const HttpPeer peer([](const HttpRequest&) { return http_refusal(401, "Unauthorized"); });
  EXPECT_EQ(ask(peer, get()).error().status, 401);
  std::vector<std::string> tokens;
  for (const HttpRequest& request : peer.requests()) tokens.push_back(request.header("authorization"));
  EXPECT_THAT(tokens, ElementsAre("Bearer t1", "Bearer t2", "Bearer t3"));
}

// ---- watches ----

class WatchTest : public ClientTest {
 protected:
  /// The lines of a watch, and how it ended: its status, 0 when no answer came, 200 for a good end.
  std::pair<std::vector<std::string>, int> watch(const HttpPeer& peer, size_t enough = 100) {
    std::vector<std::string> lines;
    int status = -1;
    const auto client = open(peer);
    client->watch({.verb = Verb::kWatch, .path = "/watch"}, [&](std::string_view line) {
      lines.emplace_back(line);
      return lines.size() < enough;
    }, [&](Answer&& answer) { status = answer.ok() ? 200 : answer.error().status; });
    client->drive();
    return {lines, status};
  }
  static HttpReply chunks(std::initializer_list<std::string_view> pieces, bool whole = true) {
    HttpReply out{.bytes = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", .after = After::kClose};
    for (const std::string_view piece : pieces) out.bytes += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
    if (whole) out.bytes += "0\r\n\r\n";
    return out;
  }
};

TEST_F(WatchTest, GivesWholeLinesHoweverTheyCome) {
  const HttpPeer peer([](const HttpRequest&) { return chunks({"{\"a\"", ":1}\n{\"b\":2}\n{", "\"c\":3}\n", "{\"cut"}); });
  const auto [lines, status] = watch(peer);
  EXPECT_THAT(lines, ElementsAre("{\"a\":1}", "{\"b\":2}", "{\"c\":3}"));
  EXPECT_EQ(status, 200);
}

TEST_F(WatchTest, EndsWhenItsReaderHadEnough) {
  const HttpPeer peer([](const HttpRequest&) {
    HttpReply out = chunks({"1\n2\n3\n"}, false);
    out.after = After::kKeep;  // it would go on for ever
    return out;
  });
  const auto [lines, status] = watch(peer, 2);
  EXPECT_THAT(lines, ElementsAre("1", "2"));
  EXPECT_EQ(status, 200);
}

TEST_F(WatchTest, IsNotTriedAgain) {
  for (const int code : {410, 429, 500, 503}) {
    const HttpPeer peer([&](const HttpRequest&) { return http_refusal(code, "Expired"); });
    EXPECT_EQ(watch(peer).second, code);
    EXPECT_EQ(peer.requests().size(), 1u);
  }
  const HttpPeer cut([](const HttpRequest&) { return chunks({"1\n"}, false); });
  const auto [lines, status] = watch(cut);
  EXPECT_THAT(lines, ElementsAre("1"));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(cut.requests().size(), 1u);
}

// ---- ends ----

TEST_F(ClientTest, TheDeadlineEndsWhatIsNotAnswered) {
  const HttpPeer peer([](const HttpRequest&) { return HttpReply{.held = true}; });
  const auto client = open(peer);
  client->set_deadline(Client::Clock::now() + milliseconds(50));
  std::vector<std::string> reasons;
  for (int i = 0; i < 100; ++i)  // more than are sent at once
    client->submit(get(), [&](Answer&& answer) { reasons.push_back(answer.ok() ? "" : answer.error().reason); });
  client->drive();
  EXPECT_EQ(reasons, std::vector<std::string>(100, "DeadlineExceeded"));
  EXPECT_TRUE(client->is_late());
  EXPECT_TRUE(client->idle());
}

TEST_F(ClientTest, TheDeadlineEndsWhatWaitsForAnotherTry) {
  const HttpPeer peer([](const HttpRequest&) { return http_answer(429, "", "Retry-After: 20\r\n"); });
  const auto client = open(peer);
  client->set_deadline(Client::Clock::now() + milliseconds(200));
  EXPECT_TRUE(client->ask(get()).error().timed_out());
  EXPECT_EQ(peer.requests().size(), 1u);
}

TEST_F(ClientTest, WhatIsAbandonedIsNeverAnswered) {
  const HttpPeer peer([](const HttpRequest&) { return HttpReply{.held = true}; });
  const auto client = open(peer);
  for (int i = 0; i < 3; ++i) client->submit(get(), [](Answer&&) { ADD_FAILURE(); });
  client->drive_until(Client::Clock::now() + milliseconds(20));
  EXPECT_FALSE(client->idle());
  client->abandon();
  EXPECT_TRUE(client->idle());
  client->drive();
}

using ClientDeathTest = ClientTest;

TEST_F(ClientDeathTest, AnInterruptEndsEverythingSoon) {
  // In a process of its own: interrupting is for good.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto interrupted = [this] {
    const HttpPeer peer([](const HttpRequest&) {
      Client::interrupt();  // while the client waits for the answer
      return HttpReply{.held = true};
    });
    const auto client = open(peer);
    const Answer first = client->ask(get()), second = client->ask(get());
    const bool good = !first.ok() && first.error().interrupted() && !second.ok() && second.error().interrupted();
    std::_Exit(good && peer.requests().size() == 1 ? 0 : 1);
  };
  EXPECT_EXIT(interrupted(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace dbm::kube
