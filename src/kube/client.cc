#include "kube/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/text.h"
#include "kube/json.h"
#include "kube/retry.h"
#include "yaml/at.h"

namespace dbm::kube {
namespace {

using std::chrono::milliseconds;

constexpr size_t kInFlight = 64;  // more makes an API server no faster
constexpr milliseconds kTurn{200};
constexpr milliseconds kTokenIsWritten{100};

std::atomic<bool> g_interrupted = false;

Method method_of(const Call& call) {
  switch (call.verb) {
    case Verb::kCreate: return Method::kPost;
    case Verb::kPatch: return Method::kPatch;
    case Verb::kUpdate: return Method::kPut;
    case Verb::kDelete: return Method::kDelete;
    default: return Method::kGet;
  }
}

Request request_of(const Call& call) {
  Request out;
  out.method = method_of(call);
  const std::string_view name = call.verb == Verb::kCreate ? std::string_view() : call.name;
  out.path = (call.path.empty() ? path_of(call.resource, call.ns, name, call.subresource) : call.path) + call.query;
  out.body = call.body;  // the call keeps its own for another try
  out.content_type = call.content_type;
  out.accept = call.accept;
  if (call.verb == Verb::kWatch) out.silence = milliseconds(0);
  return out;
}

/// The Status object of an answer, or what else was in it.
ApiError status_error(int status, const std::string& body) {
  ApiError out{.status = status, .reason = {}, .message = {}, .hint = {}, .causes = {}};
  yaml::Arena arena(4096);
  const auto text_of = [](const yaml::Value& map, std::string_view key) { return std::string(text_at(map, {key})); };
  if (const auto read = read_json(arena, body); read && read->is_map()) {
    out.reason = text_of(*read, "reason");
    out.message = text_of(*read, "message");
    for (const yaml::Value& cause : items_at(*read, {"details", "causes"}))
      out.causes.push_back({text_of(cause, "reason"), text_of(cause, "message"), text_of(cause, "field")});
  }
  if (out.message.empty())
    out.message = body.empty() ? fmt::format("HTTP status {}", status) : printable(body, 300);
  if (out.reason.empty()) out.reason = fmt::format("HTTP{}", status);
  return out;
}

/// Another try would be answered the same.
bool is_permanent(const Call& call, const ApiError& error) {
  if (error.status == 500)  // the object does not fit its schema (test/kube/README.md)
    return error.message.starts_with("failed to create typed patch object") ||
           error.message.find("request is too large") != std::string::npos;
  if (error.status != 409) return false;
  if (call.verb != Verb::kPatch || call.conditional || error.is("AlreadyExists")) return true;
  return std::ranges::any_of(error.causes, [](const Cause& c) { return c.reason == "FieldManagerConflict"; });
}

std::string hint_of(const Call& call, const ApiError& error) {
  if (error.status == 401) return "the credentials of the kubeconfig's context are not, or no longer, good";
  if (error.status == 403 && error.message.find("cannot ") != std::string::npos)
    return fmt::format("missing: {} on {}{}; cnpg-dbm rbac prints the Role that a file needs", to_string(call.verb),
                       call.resource.name(), call.ns.empty() ? "" : " in namespace " + call.ns);
  if (error.message.find("failed calling webhook") != std::string::npos)
    return "the webhook that judges this object does not answer: is CloudNativePG's operator running?";
  return {};
}

}  // namespace

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::kGet: return "get";
    case Verb::kList: return "list";
    case Verb::kWatch: return "watch";
    case Verb::kCreate: return "create";
    case Verb::kPatch: return "patch";
    case Verb::kUpdate: return "update";
    case Verb::kDelete: return "delete";
  }
  return "get";
}

Error ApiError::error(std::string_view what) const {
  return Error{fmt::format("{}: {}", what, printable(message, 2000)), hint, code()};
}

ErrorCode ApiError::code() const {
  if (timed_out()) return ErrorCode::kTimedOut;
  if (interrupted()) return ErrorCode::kInterrupted;
  return code_of_http(status);
}

std::string Call::about() const {
  if (!path.empty()) return path;
  std::string out = resource.kind;
  if (verb == Verb::kList || verb == Verb::kWatch) out = resource.plural;
  if (!name.empty()) out += " " + name;
  if (!ns.empty()) out += " in namespace " + ns;
  return out;
}

void Client::interrupt() { g_interrupted = true; }
bool Client::interrupted() { return g_interrupted; }

Client::Client(const Config& config, std::unique_ptr<Http> http) : config_(config), http_(std::move(http)) {}

Result<std::unique_ptr<Client>> Client::open(const Config& config) {
  auto http = Http::open(config);
  if (!http) return std::move(http).error();
  return std::unique_ptr<Client>(new Client(config, std::move(http).value()));
}

void Client::submit(Call call, Done done) {
  auto job = std::make_shared<Job>();
  job->call = std::move(call);
  job->done = std::move(done);
  ready_.push_back(std::move(job));
}

void Client::watch(Call call, Line line, Done done) {
  auto job = std::make_shared<Job>();
  job->call = std::move(call);
  job->line = std::move(line);
  job->done = std::move(done);
  ready_.push_front(std::move(job));
}

void Client::send(const JobPtr& job) {
  if (job->tries++ == 0) job->first = Clock::now();
  Request request = request_of(job->call);
  request.fresh_connection = job->tries > 3;
  sent_jobs_.push_back(job);
  ++sent_;
  const auto done = [this, job](Reply&& reply) { finish(job, std::move(reply)); };
  if (!job->line) return http_->start(std::move(request), done);
  http_->stream(std::move(request), [job](std::string_view piece) {
    job->buffer += piece;
    size_t from = 0;
    for (size_t end; (end = job->buffer.find('\n', from)) != std::string::npos; from = end + 1)
      if (!job->line(std::string_view(job->buffer).substr(from, end - from))) return false;
    job->buffer.erase(0, from);
    return true;
  }, done);
}

void Client::finish(const JobPtr& job, Reply&& reply) {
  std::erase(sent_jobs_, job);
  if (reply.broken == Broken::kNot) reached_ = true;
  const bool good = reply.broken == Broken::kNot && reply.status >= 200 && reply.status < 300;
  if (good) {
    secrets::wipe(job->call.body);
    return job->done(Answer(std::move(reply.body)));
  }
  ApiError error;
  if (reply.broken == Broken::kNot) {
    error = status_error(reply.status, reply.body);
    error.hint = hint_of(job->call, error);
  } else {
    error = {.status = 0, .reason = "Unreachable", .message = reply.failure.message, .hint = reply.failure.hint, .causes = {}};
  }
  std::optional<milliseconds> delay;
  if (reply.status == 401 && job->tries <= 2 && http_->credentials_refused(reply.identity))
    delay = job->tries == 1 ? milliseconds(0) : kTokenIsWritten;
  else if (!job->line)
    delay = retry_after(reply, {job->tries, reached_, is_permanent(job->call, error)},
                        std::uniform_real_distribution<>(0, 1)(random_));
  const auto now = Clock::now();
  if (delay && now + *delay <= job->first + patience_) {
    job->not_before = now + *delay;
    delayed_.push_back(job);
    return;
  }
  secrets::wipe(job->call.body);
  job->done(Answer(std::move(error)));
}

void Client::start_due(Clock::time_point now) {
  for (size_t i = 0; i < delayed_.size();) {
    if (delayed_[i]->not_before > now) {
      ++i;
      continue;
    }
    ready_.push_front(std::move(delayed_[i]));
    delayed_[i] = std::move(delayed_.back());
    delayed_.pop_back();
  }
  while (!ready_.empty() && sent_jobs_.size() < kInFlight) {
    const JobPtr job = std::move(ready_.front());
    ready_.pop_front();
    send(job);
  }
}

void Client::fail_all(const ApiError& error) {
  http_->abandon();
  auto jobs = std::exchange(sent_jobs_, {});
  for (auto& job : std::exchange(delayed_, {})) jobs.push_back(std::move(job));
  for (auto& job : std::exchange(ready_, {})) jobs.push_back(std::move(job));
  for (const JobPtr& job : jobs) {
    secrets::wipe(job->call.body);
    job->done(Answer(error));
  }
}

milliseconds Client::next_due(Clock::time_point now, Clock::time_point until) const {
  Clock::time_point due = std::min(now + kTurn, until);
  for (const JobPtr& job : delayed_) due = std::min(due, job->not_before);
  if (deadline_) due = std::min(due, *deadline_);
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(due - now));
}

void Client::drive() { drive_until(Clock::time_point::max()); }

void Client::drive_until(Clock::time_point until) {
  while (!idle()) {
    if (interrupted())
      return fail_all({.status = 0, .reason = "Interrupted", .message = "interrupted", .hint = {}, .causes = {}});
    const auto now = Clock::now();
    if (deadline_ && now >= *deadline_)
      return fail_all({.status = 0, .reason = "DeadlineExceeded", .message = "no answer in time",
                       .hint = "--timeout gives it longer", .causes = {}});
    if (now >= until) return;
    start_due(now);
    http_->turn(next_due(now, until));
  }
}

void Client::pause(milliseconds time) {
  const auto until = Clock::now() + time;
  while (!interrupted() && !is_late() && Clock::now() < until) http_->turn(next_due(Clock::now(), until));
}

void Client::abandon() {
  http_->abandon();
  sent_jobs_.clear();
  delayed_.clear();
  ready_.clear();
}

Answer Client::ask(Call call) {
  std::optional<Answer> out;
  submit(std::move(call), [&](Answer&& answer) { out = std::move(answer); });
  while (!out) drive();
  return std::move(*out);
}

}  // namespace dbm::kube
