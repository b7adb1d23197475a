#pragma once

// The Kubernetes API as this program uses it: calls in any number at once, tried again when that
// can help, with answers that mean something.
//
// Everything happens in drive(), on the caller's thread; callbacks may submit more. Threads: one,
// but interrupt(), which a signal handler may call.
// Errors: ApiError, which keeps the server's own words.

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kube/http.h"
#include "kube/resource.h"
#include "yaml/value.h"

namespace dbm::kube {

enum class Verb : uint8_t { kGet, kList, kWatch, kCreate, kPatch, kUpdate, kDelete };
std::string_view to_string(Verb verb);  // as RBAC has it

/// One field that a server's answer is about.
struct Cause {
  std::string reason, message, field;
};

/// Why a call did not work: the server's Status object, or why there was none (status 0).
struct ApiError {
  int status = 0;
  std::string reason;   // AlreadyExists, Conflict, Forbidden, …
  std::string message;  // the server's
  std::string hint;
  std::vector<Cause> causes;

  bool is(std::string_view r) const { return reason == r; }
  bool timed_out() const { return reason == "DeadlineExceeded"; }
  bool interrupted() const { return reason == "Interrupted"; }
  ErrorCode code() const;
  /// "WHAT: the server's message", with code().
  Error error(std::string_view what) const;
};

/// What is asked. `body` may hold secrets: it is wiped when the call is over.
struct Call {
  Verb verb = Verb::kGet;
  Resource resource = {};
  std::string ns = {}, name = {}, subresource = {};
  std::string query = {};  // of a Query
  std::string body = {};
  std::string_view content_type = "application/json";
  std::string_view accept = "application/json";
  /// Other than what verb and resource make: /version, /openapi/v3.
  std::string path = {};
  /// The body names a resourceVersion: a conflict is the answer, the same call would get it again.
  bool conditional = false;

  /// "Database shop-orders in namespace shop".
  std::string about() const;
};

/// The body of a good answer, or why there is none.
class Answer {
 public:
  explicit Answer(std::string body) : state_(std::move(body)) {}
  explicit Answer(ApiError error) : state_(std::move(error)) {}
  bool ok() const { return state_.index() == 0; }
  const std::string& body() const { return std::get<0>(state_); }
  std::string take_body() { return std::move(std::get<0>(state_)); }
  const ApiError& error() const { return std::get<1>(state_); }

 private:
  std::variant<std::string, ApiError> state_;
};

inline constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";
inline constexpr std::string_view kMergePatch = "application/merge-patch+json";
inline constexpr std::string_view kJsonPatch = "application/json-patch+json";
/// Metadata is all of the answer that is looked at: the server need not write the rest.
inline constexpr std::string_view kMetadataOnly =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
inline constexpr std::string_view kMetadataListOnly =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

class Client {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void(Answer&&)>;
  /// One line of a watch; false ends it.
  using Line = std::function<bool(std::string_view)>;

  /// `config` must outlive it.
  static Result<std::unique_ptr<Client>> open(const Config& config);

  /// Calls that are not over by then fail ("DeadlineExceeded"). Not set: never.
  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }
  bool is_late() const { return deadline_ && Clock::now() >= *deadline_; }
  /// A call is tried again for at most so long since it was first sent.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  void submit(Call call, Done done);
  /// A watch: every line as it comes, then how it ended. Not tried again.
  void watch(Call call, Line line, Done done);
  /// Works until nothing is left to do, or, with a time, until then.
  void drive();
  void drive_until(Clock::time_point until);
  /// Waits, for something that a server does by itself; ends early on an interrupt or the deadline.
  void pause(std::chrono::milliseconds time);
  bool idle() const { return ready_.empty() && delayed_.empty() && sent_jobs_.empty(); }
  /// Forgets everything that is not over.
  void abandon();
  /// One call, waited for.
  Answer ask(Call call);

  /// Requests sent so far.
  size_t sent() const { return sent_; }
  const Config& config() const { return config_; }

  /// All clients of the process: calls that are not over fail ("Interrupted"), soon. Safe in a
  /// signal handler.
  static void interrupt();
  static bool interrupted();

 private:
  struct Job {
    Call call;
    Done done;
    Line line = nullptr;
    int tries = 0;
    Clock::time_point first = {}, not_before = {};
    std::string buffer = {};  // of a watch: the line that is not complete yet
  };
  using JobPtr = std::shared_ptr<Job>;

  Client(const Config& config, std::unique_ptr<Http> http);
  void start_due(Clock::time_point now);
  void send(const JobPtr& job);
  void finish(const JobPtr& job, Reply&& reply);
  void fail_all(const ApiError& error);
  /// How long a turn may wait for the network.
  std::chrono::milliseconds next_due(Clock::time_point now, Clock::time_point until) const;

  const Config& config_;
  std::unique_ptr<Http> http_;
  std::deque<JobPtr> ready_;
  std::vector<JobPtr> delayed_;    // until their not_before
  std::vector<JobPtr> sent_jobs_;  // in flight
  size_t sent_ = 0;
  bool reached_ = false;
  std::optional<Clock::time_point> deadline_;
  std::chrono::milliseconds patience_{60'000};
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace dbm::kube
