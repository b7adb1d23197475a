#include "release/ready.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "release/tree.h"

namespace dbm::release {
namespace {

using yaml::Value;

constexpr std::string_view kHealthy = "Cluster in healthy state";  // api/v1, PhaseHealthy

/// Phases that CloudNativePG does not leave without somebody's help.
constexpr std::string_view kStuck[] = {
    "Waiting for user action", "Cluster upgrade delayed",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
    "Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
    "Cluster has incomplete or invalid image catalog", "Cluster is unrecoverable and needs manual intervention",
    "Cluster cannot execute instance online upgrade due to missing architecture binary",
    "Unable to create required cluster objects"};

const Value* condition(const Value& object, std::string_view type) {
  for (const Value& each : items_at(object, {"status", "conditions"}))
    if (text_at(each, {"type"}) == type) return &each;
  return nullptr;
}

bool is_true(const Value& object, std::initializer_list<std::string_view> path) {
  const Value* found = object.find_path(path);
  return found != nullptr && found->as_bool().value_or(false);
}

/// Roles that PostgreSQL refused, with what it said.
std::string refused_roles(const Value& cluster) {
  std::string out;
  for (const yaml::Member& role : members_at(cluster, {"status", "managedRolesStatus", "cannotReconcile"}))
    for (const Value& why : role.value.items())
      out += fmt::format("{}role {}: {}", out.empty() ? "" : "; ", role.key, why.text());
  return out;
}

/// How many roles of the spec PostgreSQL is not known to have yet.
size_t pending_roles(const Value& cluster) {
  std::set<std::string_view> there;
  for (const Value& name : items_at(cluster, {"status", "managedRolesStatus", "byStatus", "reconciled"})) there.insert(name.text());
  return static_cast<size_t>(std::ranges::count_if(items_at(cluster, {"spec", "managed", "roles"}), [&](const Value& role) {
    return text_at(role, {"ensure"}) != "absent" && !there.contains(text_at(role, {"name"}));
  }));
}

Readiness cluster(const Value& object) {
  const std::string_view phase = text_at(object, {"status", "phase"});
  const int64_t wanted = int_at(object, {"spec", "instances"}, 1), ready = int_at(object, {"status", "readyInstances"});
  const std::string counted = fmt::format("{} of {} instances ready", ready, wanted);
  if (phase.empty()) return {State::kWaiting, "the operator has not looked at it yet"};
  if (const std::string roles = refused_roles(object); !roles.empty()) return {State::kFailed, roles};
  if (phase == kHealthy && ready >= wanted) {
    const Value* archiving = condition(object, "ContinuousArchiving");
    if (archiving != nullptr && text_at(*archiving, {"status"}) == "False")
      return {State::kFailed, fmt::format("{}; WAL archiving fails: {}", counted, text_at(*archiving, {"message"}))};
    if (const size_t pending = pending_roles(object); pending > 0)
      return {State::kWaiting, fmt::format("{}; {} roles to be made", counted, pending)};
    return {State::kReady, counted};
  }
  const std::string_view reason = text_at(object, {"status", "phaseReason"});
  const bool stuck = std::ranges::find(kStuck, phase) != std::end(kStuck);
  return {stuck ? State::kFailed : State::kWaiting,
          fmt::format("{}: {}{}{}", counted, phase, reason.empty() ? "" : ": ", reason)};
}

/// Database, and kinds with the same status.
Readiness applied(const Value& object) {
  const bool seen = int_at(object, {"status", "observedGeneration"}) == int_at(object, {"metadata", "generation"});
  const std::string message(text_at(object, {"status", "message"}));
  if (is_true(object, {"status", "applied"}) && seen) return {State::kReady, {}};
  const Value* tried = object.find_path({"status", "applied"});
  if (tried != nullptr && !message.empty() && !is_true(object, {"status", "applied"})) return {State::kFailed, message};
  return {State::kWaiting, message.empty() ? "not applied yet" : message};
}

Readiness pooler(const Value& object) {
  const int64_t wanted = int_at(object, {"spec", "instances"}, 1), there = int_at(object, {"status", "instances"});
  return {there >= wanted ? State::kReady : State::kWaiting, fmt::format("{} of {} instances", there, wanted)};
}

Readiness scheduled_backup(const Value& object) {
  if (is_true(object, {"spec", "suspend"})) return {State::kReady, "suspended"};
  const std::string_view next = text_at(object, {"status", "nextScheduleTime"});
  if (next.empty()) return {State::kWaiting, "not scheduled yet"};
  return {State::kReady, fmt::format("next at {}", next)};
}

Readiness backup(const Value& object) {
  const std::string_view phase = text_at(object, {"status", "phase"});
  if (phase == "completed") return {State::kReady, std::string(text_at(object, {"status", "stoppedAt"}))};
  if (phase == "failed") return {State::kFailed, std::string(text_at(object, {"status", "error"}))};
  return {State::kWaiting, std::string(phase.empty() ? "not started yet" : phase)};
}

Readiness external_secret(const Value& object) {
  const Value* ready = condition(object, "Ready");
  if (ready == nullptr) return {State::kWaiting, "the External Secrets operator has not looked at it yet"};
  const bool good = text_at(*ready, {"status"}) == "True";
  return {good ? State::kReady : State::kFailed, std::string(text_at(*ready, {"message"}))};
}

struct Rule {
  std::string_view kind;
  Readiness (*judge)(const Value&);
};
constexpr Rule kRules[] = {
    {"Cluster", cluster},        {"Database", applied}, {"DatabaseRole", applied},
    {"Pooler", pooler},          {"ScheduledBackup", scheduled_backup},
    {"ExternalSecret", external_secret}, {"Backup", backup},
};

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kReady: return "ready";
    case State::kWaiting: return "waiting";
    case State::kFailed: return "failed";
  }
  return "";
}

bool has_readiness(std::string_view kind) { return std::ranges::find(kRules, kind, &Rule::kind) != std::end(kRules); }

Readiness readiness(const Value& object) {
  const auto* rule = std::ranges::find(kRules, text_at(object, {"kind"}), &Rule::kind);
  return rule != std::end(kRules) ? rule->judge(object) : Readiness{State::kReady, {}};
}

}  // namespace dbm::release
