#include "kube/retry.h"

#include <algorithm>
#include <charconv>

namespace dbm::kube {
namespace {

using std::chrono::milliseconds;

constexpr int kMostTries = 8;
constexpr milliseconds kFirst{100}, kLongest{10'000};
constexpr std::chrono::seconds kLongestAsked{60};

bool is_server_error(int status) { return status == 409 || status == 500 || status == 502 || status == 504; }

}  // namespace

milliseconds backoff(int number, double random) {
  const int64_t full = std::min<int64_t>(kFirst.count() << std::clamp(number - 1, 0, 10), kLongest.count());
  return milliseconds(static_cast<int64_t>(static_cast<double>(full) * (0.5 + random / 2)));
}

std::optional<std::chrono::seconds> read_retry_after(std::string_view value) {
  constexpr std::string_view kSpace = " \t\r\n";
  constexpr uint64_t kMost = 24 * 60 * 60;
  const size_t from = std::min(value.find_first_not_of(kSpace), value.size());
  value = value.substr(from, value.find_last_not_of(kSpace) + 1 - from);
  uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (value.empty() || end != value.data() + value.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) seconds = kMost;
  return std::chrono::seconds(std::min(seconds, kMost));
}

std::optional<milliseconds> retry_after(const Reply& reply, const Attempt& attempt, double random) {
  if (attempt.permanent) return std::nullopt;
  switch (reply.broken) {
    case Broken::kRefused:
      return std::nullopt;
    case Broken::kUnreached:  // a server that was never there is told at once
      if (!attempt.ever_reached && attempt.number >= 2) return std::nullopt;
      return backoff(attempt.number, random);
    case Broken::kLost:
      return backoff(attempt.number, random);
    case Broken::kNot:
      break;
  }
  if (reply.status == 429 || reply.status == 503) {
    if (reply.status == 503 && attempt.number >= kMostTries) return std::nullopt;
    const milliseconds own = backoff(attempt.number, random);
    if (!reply.retry_after) return own;
    // Bounded before it is made milliseconds, which would overflow.
    const milliseconds asked = std::min<std::chrono::seconds>(*reply.retry_after, kLongestAsked);
    return std::max(asked, own);
  }
  if (is_server_error(reply.status) && attempt.number < kMostTries) return backoff(attempt.number, random);
  return std::nullopt;
}

}  // namespace dbm::kube
