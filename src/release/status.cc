#include "release/status.h"

#include <algorithm>
#include <set>

#include "release/tree.h"

namespace dbm::release {
namespace {

using yaml::Value;

bool is_ready(const MemberStatus& member) { return member.readiness.state == State::kReady; }

std::string detail_of(const LiveObject& object) {
  const std::string_view kind = object.resource->kind;
  if (kind == "Database") return std::string(text_at(object.value, {"spec", "owner"}));
  if (kind == "Pooler") return std::string(text_at(object.value, {"spec", "type"}));
  if (kind == "ScheduledBackup") return std::string(text_at(object.value, {"spec", "schedule"}));
  return {};
}

MemberStatus member_of(const LiveObject& object) {
  MemberStatus out;
  out.kind = object.resource->kind;
  out.object = object.name;
  out.name = out.kind == "Database" ? std::string(text_at(object.value, {"spec", "name"})) : out.object;
  out.detail = detail_of(object);
  out.readiness = readiness(object.value);
  return out;
}

void take_roles(const Value& cluster, ClusterStatus& out) {
  std::set<std::string_view> there;
  for (const Value& name : items_at(cluster, {"status", "managedRolesStatus", "byStatus", "reconciled"})) there.insert(name.text());
  for (const Value& role : items_at(cluster, {"spec", "managed", "roles"})) {
    if (text_at(role, {"ensure"}) == "absent") continue;
    ++out.roles;
    out.roles_there += there.contains(text_at(role, {"name"})) ? 1 : 0;
  }
  for (const yaml::Member& role : members_at(cluster, {"status", "managedRolesStatus", "cannotReconcile"})) {
    std::string why;
    for (const Value& each : role.value.items()) why.append(why.empty() ? "" : "; ").append(each.text());
    out.refused_roles.emplace_back(role.key, why);
  }
}

ClusterStatus cluster_of(const LiveObject& object) {
  const Value& value = object.value;
  ClusterStatus out;
  out.name = object.name;
  out.phase = text_at(value, {"status", "phase"});
  out.primary = text_at(value, {"status", "currentPrimary"});
  out.image = text_at(value, {"status", "image"});
  if (out.image.empty()) out.image = text_at(value, {"spec", "imageName"});
  out.instances = int_at(value, {"spec", "instances"}, 1);
  out.ready_instances = int_at(value, {"status", "readyInstances"});
  out.first_recoverability = text_at(value, {"status", "firstRecoverabilityPoint"});
  out.readiness = readiness(value);
  take_roles(value, out);
  return out;
}

/// RFC 3339 in UTC sorts as text.
void take_backup(const Value& backup, std::vector<ClusterStatus>& clusters) {
  const auto cluster = std::ranges::find(clusters, text_at(backup, {"spec", "cluster", "name"}), &ClusterStatus::name);
  if (cluster == clusters.end()) return;
  std::string_view at = text_at(backup, {"status", "stoppedAt"});
  if (at.empty()) at = text_at(backup, {"metadata", "creationTimestamp"});
  if (at < std::string_view(cluster->last_backup_at)) return;
  cluster->last_backup_at = at;
  cluster->last_backup = text_at(backup, {"metadata", "name"});
  cluster->last_backup_phase = text_at(backup, {"status", "phase"});
}

std::string_view cluster_name(const LiveObject& object) {
  const std::string_view named = text_at(object.value, {"spec", "cluster", "name"});
  return named.empty() ? label(object.value, kClusterLabel) : named;
}

}  // namespace

bool ClusterStatus::healthy() const {
  return readiness.state == State::kReady && last_backup_phase != "failed" && std::ranges::all_of(members, is_ready);
}

bool ReleaseStatus::healthy() const {
  return std::ranges::all_of(clusters, &ClusterStatus::healthy) && std::ranges::all_of(others, is_ready);
}

ReleaseStatus status_of(const Live& live, const std::vector<Value>& backups) {
  ReleaseStatus out;
  for (const auto& [id, object] : live.objects())
    if (id.group_kind == "Cluster.postgresql.cnpg.io") out.clusters.push_back(cluster_of(object));
  for (const auto& [id, object] : live.objects()) {
    out.secrets += id.group_kind == "Secret" ? 1 : 0;
    if (id.group_kind == "Cluster.postgresql.cnpg.io" || !has_readiness(object.resource->kind)) continue;
    const auto cluster = std::ranges::find(out.clusters, cluster_name(object), &ClusterStatus::name);
    (cluster != out.clusters.end() ? cluster->members : out.others).push_back(member_of(object));
  }
  for (const Value& backup : backups) take_backup(backup, out.clusters);
  return out;
}

}  // namespace dbm::release
