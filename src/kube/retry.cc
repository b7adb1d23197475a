#include "kube/retry.h"

#include <algorithm>

namespace dbm::kube {
namespace {

using std::chrono::milliseconds;

constexpr int kMostTries = 8;
constexpr milliseconds kFirst{100}, kLongest{10'000}, kLongestAsked{60'000};

/// Doubles with every try; between half of it and all of it.
milliseconds backoff(int number, double random) {
  const int64_t full = std::min<int64_t>(kFirst.count() << std::min(number - 1, 10), kLongest.count());
  return milliseconds(static_cast<int64_t>(static_cast<double>(full) * (0.5 + random / 2)));
}

bool is_server_error(int status) { return status == 409 || status == 500 || status == 502 || status == 504; }

}  // namespace

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
    return reply.retry_after ? std::clamp<milliseconds>(*reply.retry_after, own, kLongestAsked) : own;
  }
  if (is_server_error(reply.status) && attempt.number < kMostTries) return backoff(attempt.number, random);
  return std::nullopt;
}

}  // namespace dbm::kube
