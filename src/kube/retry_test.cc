#include "kube/retry.h"

#include <gtest/gtest.h>

namespace dbm::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Reply status(int code, std::optional<seconds> after = std::nullopt) {
  Reply out;
  out.status = code;
  out.retry_after = after;
  return out;
}
Reply broken(Broken how) {
  Reply out;
  out.broken = how;
  return out;
}

/// Milliseconds without chance; -1: not again.
int64_t wait(const Reply& reply, Attempt attempt, double random = 0) {
  const auto found = retry_after(reply, attempt, random);
  return found ? found->count() : -1;
}

TEST(Retry, Table) {
  const struct {
    const char* what;
    Reply reply;
    Attempt attempt;
    int64_t wait;
  } rows[] = {
      {"forbidden", status(403), {1, true, false}, -1},
      {"not found", status(404), {1, true, false}, -1},
      {"invalid", status(422), {1, true, false}, -1},
      {"a server's error", status(500), {1, true, false}, 50},
      {"its last try", status(500), {7, true, false}, 3200},
      {"eight are enough", status(500), {8, true, false}, -1},
      {"a permanent one", status(500), {1, true, true}, -1},
      {"a conflict of versions", status(409), {1, true, false}, 50},
      {"a conflict of managers", status(409), {1, true, true}, -1},
      {"a gateway", status(502), {2, true, false}, 100},
      {"a gateway's patience", status(504), {3, true, false}, 200},
      {"too many", status(429), {1, true, false}, 50},
      {"too many, for long", status(429), {100, true, false}, 5000},
      {"the server says when", status(429, seconds(2)), {1, true, false}, 2000},
      {"sooner than we would", status(429, seconds(0)), {3, true, false}, 200},
      {"far too late", status(429, seconds(3600)), {1, true, false}, 60'000},
      {"for ever", status(429, seconds::max()), {1, true, false}, 60'000},
      {"not available, for ever", status(503, seconds::max()), {1, true, false}, 60'000},
      {"not available", status(503), {1, true, false}, 50},
      {"not available, at last", status(503), {8, true, false}, -1},
      {"lost", broken(Broken::kLost), {1, false, false}, 50},
      {"lost again and again", broken(Broken::kLost), {50, false, false}, 5000},
      {"never there", broken(Broken::kUnreached), {2, false, false}, -1},
      {"one more look", broken(Broken::kUnreached), {1, false, false}, 50},
      {"it was there", broken(Broken::kUnreached), {50, true, false}, 5000},
      {"a bad certificate", broken(Broken::kRefused), {1, true, false}, -1},
  };
  for (const auto& row : rows) EXPECT_EQ(wait(row.reply, row.attempt), row.wait) << row.what;
}

TEST(Retry, ReadsRetryAfter) {
  const struct {
    const char* text;
    int64_t seconds;  // -1: nothing
  } rows[] = {
      {"0", 0}, {"120", 120}, {" 7 \r\n", 7}, {"86401", 86400}, {"9223372036854775807", 86400},
      {"18446744073709551616", 86400}, {"99999999999999999999999999", 86400},
      {"", -1}, {" \r\n", -1}, {"-1", -1}, {"1.5", -1}, {"soon", -1}, {"Fri, 31 Dec 1999 23:59:59 GMT", -1},
  };
  for (const auto& row : rows) {
    const auto read = read_retry_after(row.text);
    EXPECT_EQ(read ? read->count() : -1, row.seconds) << '"' << row.text << '"';
  }
}

TEST(Retry, ChanceSpreadsOverHalfOfTheTime) {
  for (int number = 1; number < 8; ++number) {
    const int64_t least = wait(status(500), {number, true, false}, 0), most = wait(status(500), {number, true, false}, 0.999999);
    EXPECT_GT(most, least);
    EXPECT_LE(most, 2 * least);
  }
}

}  // namespace
}  // namespace dbm::kube
