#include "release/write.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/json.h"
#include "release/connection.h"
#include "release/tree.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using kube::Answer;
using kube::ApiError;
using kube::Call;
using kube::Verb;
using yaml::Value;

/// "conflict with "kubectl-edit" using v1" -> kubectl-edit.
std::string_view manager_of(std::string_view message) {
  const size_t from = message.find('"');
  const size_t to = from == message.npos ? from : message.find('"', from + 1);
  return to == message.npos ? message : message.substr(from + 1, to - from - 1);
}

/// The object without the password that was made with it: applying never touches it.
std::string body_without_password(const Value& value) {
  yaml::Arena arena(4096);
  Value copy = yaml::clone(arena, value);
  if (Value* data = const_cast<Value*>(copy.find("data"))) data->erase("password");
  std::string out;
  yaml::write_json(out, copy);
  return out;
}

/// The call makes its object: of two that do, the first wins.
void create(Call& call, bool dry_run) {
  call.verb = Verb::kCreate;
  call.content_type = "application/json";
  kube::Query query;
  query.add("fieldManager", kFieldManager).add("fieldValidation", "Strict");
  if (dry_run) query.add("dryRun", "All");
  call.query = query.text();
}

class Writer {
 public:
  Writer(kube::Client& client, const Release& release, const Plan& plan, const WriteOptions& options)
      : client_(client), release_(release), plan_(plan), options_(options), parent_(plan.parent) {
    for (const Step& step : plan.steps) progress_.total += step.action != Action::kSame ? 1 : 0;
  }

  Outcome write() {
    if (!(plan_.during == plan_.before) && !widen()) return std::move(out_);
    once();
    if (out_.overtaken) return std::move(out_);
    for (const int stage : {kBefore, kSecrets, kClusters, kOthers}) objects(stage);
    for (const int stage : {kOthers, kClusters, kSecrets, kBefore}) removals(stage);
    if (options_.narrow_parent && out_.failures.empty() && !(plan_.during == plan_.after)) narrow();
    return std::move(out_);
  }

 private:
  /// The parent names all that is there and all that comes. Over another apply's it would lose its kinds.
  bool widen() {
    const Answer answer = client_.ask(parent_call(release_, plan_.during, parent_));
    if (answer.ok()) {
      take_parent(answer.body());
      return true;
    }
    out_.overtaken = answer.error().status == 409;
    if (!out_.overtaken) fail_parent(answer.error());
    return false;
  }
  /// It names what is left. Somebody else's, written since, stays: a kind too many does no harm.
  void narrow() {
    const Answer answer = client_.ask(parent_call(release_, plan_.after, parent_));
    if (!answer.ok() && answer.error().status != 409) fail_parent(answer.error());
  }
  void take_parent(const std::string& body) {
    yaml::Arena arena(4096);
    if (const auto written = kube::read_json(arena, body)) parent_ = seen_parent(*written);
  }
  void fail_parent(const ApiError& error) { fail(fmt::format("Secret {}", release_.parent()), error); }
  /// Secrets with new passwords: created, never applied, so that of two who make one the first wins.
  void once() {
    for (const Step& step : plan_.steps) {
      if (step.action != Action::kCreate || step.wanted->made != Made::kOnce) continue;
      client_.submit(call_of(step, {.accept = kube::kMetadataOnly}), [this, &step](Answer&& answer) {
        if (!answer.ok() && answer.error().is("AlreadyExists"))
          out_.overtaken = true;
        else
          finish(step, answer);
      });
    }
    client_.drive();
  }
  void objects(int stage) {
    for (const Step& step : plan_.steps) {
      if (step.wanted == nullptr || step.wanted->stage != stage) continue;
      const bool made = step.action == Action::kCreate && step.wanted->made == Made::kOnce;
      if (made || (step.action != Action::kCreate && step.action != Action::kChange)) continue;
      if (stage > kClusters && broken_.contains(step.cluster())) {
        ++out_.skipped;
        continue;
      }
      ApplyOptions options{.force = options_.force_conflicts || step.wanted->made == Made::kOnce, .accept = kube::kMetadataOnly};
      client_.submit(call_of(step, options), [this, &step](Answer&& answer) { finish(step, answer); });
    }
    client_.drive();
  }
  void removals(int stage) {
    if (!out_.failures.empty()) return;  // nothing goes while what comes instead is not there
    for (const Step& step : plan_.steps) {
      if (step.wanted != nullptr || stage_of(step.resource()) != stage) continue;
      client_.submit(removal_of(step, {.accept = kube::kMetadataOnly}), [this, &step](Answer&& answer) {
        if (!answer.ok() && answer.error().status == 404)
          finish(step, Answer(std::string("{}")));  // gone already
        else
          finish(step, answer);
      });
    }
    client_.drive();
  }
  void finish(const Step& step, const Answer& answer) {
    ++progress_.done;
    if (options_.progress) options_.progress(progress_);
    if (!answer.ok()) {
      if (step.wanted != nullptr && step.wanted->stage == kClusters) broken_.insert(step.wanted->name);
      return fail(step.about(release_), answer.error());
    }
    Action action = step.action;
    if (action == Action::kChange) {
      yaml::Arena arena(4096);
      const auto after = kube::read_json(arena, answer.body());
      if (after && text_at(*after, {"metadata", "resourceVersion"}) == step.live->resource_version()) action = Action::kSame;
    }
    out_.done.push_back({&step, action});
  }
  void fail(std::string object, const ApiError& error) {
    out_.failures.push_back(failure_of(std::move(object), error));
  }

  kube::Client& client_;
  const Release& release_;
  const Plan& plan_;
  const WriteOptions& options_;
  SeenParent parent_;                  // as the server has it
  std::set<std::string_view> broken_;  // clusters that were refused
  Progress progress_;
  Outcome out_;
};

}  // namespace

Failure failure_of(std::string object, const ApiError& error) {
  Error explained = explain(object, error);
  return {std::move(object), std::move(explained), error.status == 403, error.timed_out(), error.interrupted()};
}

Outcome write(kube::Client& client, const Release& release, const Plan& plan, const WriteOptions& options) {
  return Writer(client, release, plan, options).write();
}

Status remove_parent(kube::Client& client, const Release& release, const SeenParent& seen) {
  if (!seen.is_there()) return Ok{};
  const Answer answer = client.ask(parent_removal(release, seen));
  if (answer.ok() || answer.error().status == 404) return Ok{};
  if (answer.error().status == 409)
    return Error{fmt::format("Secret {} stays: somebody else has just written it", release.parent()),
                 "another apply of this release is at work; run this again when it is done"};
  return answer.error().error(fmt::format("cannot remove Secret {}", release.parent()));
}

kube::Call parent_call(const Release& release, const ApplySet& set, const SeenParent& seen) {
  yaml::Arena arena;
  Call call = apply_call(*kube::well_known("v1", "Secret"), release.ns, release.parent(), parent_object(arena, release, set, seen),
                         {.force = true, .accept = kube::kMetadataOnly});
  if (seen.is_there())
    call.conditional = true;
  else
    create(call, /*dry_run=*/false);
  return call;
}

kube::Call parent_removal(const Release& release, const SeenParent& seen) {
  Call call{.verb = Verb::kDelete, .resource = *kube::well_known("v1", "Secret"), .ns = release.ns, .name = release.parent()};
  call.body = fmt::format(
      R"({{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{{"uid":"{}","resourceVersion":"{}"}}}})", seen.uid, seen.version);
  return call;
}

kube::Call apply_call(const kube::Resource& resource, std::string_view ns, std::string_view name, const Value& value,
                      const ApplyOptions& options) {
  Call call{.verb = Verb::kPatch, .resource = resource, .ns = std::string(ns), .name = std::string(name)};
  kube::Query query;
  query.add("fieldManager", kFieldManager).add("force", options.force ? "true" : "false").add("fieldValidation", "Strict");
  if (options.dry_run) query.add("dryRun", "All");
  call.query = query.text();
  call.content_type = kube::kApplyPatch;
  call.accept = options.accept;
  yaml::write_json(call.body, value);
  return call;
}

kube::Call call_of(const Step& step, const ApplyOptions& options) {
  const Object& object = *step.wanted;
  Call call = apply_call(*object.resource, object.ns, object.name, object.value, options);
  if (object.made != Made::kOnce) return call;
  // A password that was applied before, since it was derived then, would go if it were left out.
  if (step.action == Action::kChange && applies_password(step.live->value)) return call;
  if (step.action == Action::kChange) {
    secrets::wipe(call.body);
    call.body = body_without_password(object.value);
    return call;
  }
  create(call, options.dry_run);
  return call;
}

kube::Call removal_of(const Step& step, const ApplyOptions& options) {
  const LiveObject& live = *step.live;
  Call call = live.call(Verb::kDelete);
  call.accept = options.accept;
  if (step.action == Action::kPrune) {
    // All in the body: where there is one, the server reads no options from the query.
    call.body = fmt::format(R"({{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background",{}"preconditions":{{"uid":"{}"}}}})",
                            options.dry_run ? R"("dryRun":["All"],)" : "", live.uid());
    return call;
  }
  call.verb = Verb::kPatch;
  call.content_type = kube::kMergePatch;
  call.body = fmt::format(R"({{"metadata":{{"uid":"{}","labels":{{"{}":null}}}}}})", live.uid(), kPartOf);
  kube::Query query;
  query.add("fieldManager", kFieldManager);
  if (options.dry_run) query.add("dryRun", "All");
  call.query = query.text();
  return call;
}

Error explain(std::string_view object, const ApiError& error) {
  std::string fields;
  for (const kube::Cause& cause : error.causes)
    if (cause.reason == "FieldManagerConflict")
      fields += fmt::format("{}{} belongs to field manager {}", fields.empty() ? "" : ", ", printable(cause.field),
                            printable(manager_of(cause.message)));
  if (!fields.empty())
    return {fmt::format("{}: {}", object, fields),
            "--force-conflicts takes the field; or leave it to that manager: take the key out of the file"};
  return error.error(object);
}

}  // namespace dbm::release
