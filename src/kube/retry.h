#pragma once

// When a request is sent again, and after how long. Pure.
// Source: Kubernetes API conventions, "HTTP status codes"; RFC 9110, 10.2.3 (Retry-After).

#include <chrono>
#include <optional>

#include "kube/http.h"

namespace dbm::kube {

/// What is known of a request when an answer, or none, came back.
struct Attempt {
  int number = 1;             // of the tries so far
  bool ever_reached = false;  // the server has answered something in this run
  bool permanent = false;     // the answer says that another try gives the same
};

/// How long to wait before the next try; nothing when it is the answer. `random` is in [0, 1) and
/// spreads those who were refused together. At most 8 tries for a server's own errors; a server that
/// cannot be reached, or asks for patience, is tried until the caller's deadline.
std::optional<std::chrono::milliseconds> retry_after(const Reply& reply, const Attempt& attempt, double random);

/// Before try `number` + 1: from 0.1 s it doubles to 10 s; between half of it and all of it.
std::chrono::milliseconds backoff(int number, double random);

/// The value of a Retry-After header in seconds, white space around it. At most a day: more, or more than
/// a number holds, is a day. Nothing for what is not in seconds.
std::optional<std::chrono::seconds> read_retry_after(std::string_view value);

}  // namespace dbm::kube
