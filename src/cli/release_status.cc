#include "cli/release_status.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/finish.h"
#include "cli/json.h"
#include "cli/kubernetes.h"
#include "cli/live_table.h"
#include "cli/table.h"
#include "release/status.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

using release::ClusterStatus;
using release::MemberStatus;
using release::State;

constexpr size_t kRows = 40;  // of one kind that are well; what is not is shown always

std::string_view health(bool healthy) { return healthy ? "healthy" : "NOT healthy"; }

std::string cluster_text(const ClusterStatus& c) {
  std::string out = fmt::format("{}: {}, {} of {} instances ready{}{}\n", c.name, health(c.healthy()), c.ready_instances, c.instances,
                                c.primary.empty() ? "" : ", primary " + c.primary, c.image.empty() ? "" : ", " + printable(c.image));
  if (c.readiness.state != State::kReady) out += fmt::format("  ! {}\n", printable(c.readiness.message, 400));
  if (c.roles > 0) out += fmt::format("  roles: {} of {} there\n", c.roles_there, c.roles);
  for (const auto& [role, why] : c.refused_roles) out += fmt::format("  ! role {}: {}\n", printable(role), printable(why, 300));
  if (!c.last_backup.empty()) out += fmt::format("  last backup: {} {} {}\n", c.last_backup, c.last_backup_phase, c.last_backup_at);
  if (!c.first_recoverability.empty()) out += fmt::format("  recoverable since {}\n", c.first_recoverability);
  Table table({"KIND", "NAME", "", "STATE", "MESSAGE"});
  size_t well = 0, left = 0;
  for (const MemberStatus& m : c.members) {
    if (m.readiness.state == State::kReady && ++well > kRows) {
      ++left;
      continue;
    }
    table.row({m.kind, m.name, m.detail, std::string(to_string(m.readiness.state)), printable(m.readiness.message, 200)});
  }
  out += table.text("  ");
  if (left > 0) out += fmt::format("  … and {} more that are ready\n", left);
  return out;
}

yaml::Value members_json(yaml::Arena& arena, const std::vector<MemberStatus>& members) {
  return json_list(arena, members, [&](const MemberStatus& m) {
    return Json(arena).set("kind", m.kind).set("object", m.object).set("name", m.name).set("detail", m.detail)
        .set("state", to_string(m.readiness.state)).set("message", m.readiness.message).value();
  });
}

std::string json(const release::ReleaseStatus& status, const release::Release& release) {
  yaml::Arena arena;
  yaml::Value clusters = yaml::Value::list(arena);
  for (const ClusterStatus& c : status.clusters) {
    yaml::Value refused = yaml::Value::list(arena);
    for (const auto& [role, why] : c.refused_roles) refused.push(arena, Json(arena).set("role", role).set("message", why).value());
    clusters.push(arena, Json(arena).set("name", c.name).set("healthy", c.healthy()).set("phase", c.phase)
                             .set("state", to_string(c.readiness.state)).set("message", c.readiness.message)
                             .set("instances", c.instances).set("readyInstances", c.ready_instances).set("primary", c.primary)
                             .set("image", c.image).set("roles", static_cast<int64_t>(c.roles))
                             .set("rolesReady", static_cast<int64_t>(c.roles_there)).set("refusedRoles", refused)
                             .set("lastBackup", c.last_backup).set("lastBackupPhase", c.last_backup_phase)
                             .set("lastBackupAt", c.last_backup_at).set("firstRecoverabilityPoint", c.first_recoverability)
                             .set("members", members_json(arena, c.members)).value());
  }
  const Json out = Json(arena).set("release", release.name).set("namespace", release.ns).set("healthy", status.healthy())
                       .set("clusters", clusters).set("others", members_json(arena, status.others));
  return out.text();
}

std::vector<yaml::Value> backups_of(kube::Client& client, const std::string& ns, std::unique_ptr<kube::Listing>& keep) {
  kube::list(client, *kube::well_known("postgresql.cnpg.io/v1", "Backup"), ns, {}, [&](auto listing, const kube::ApiError*) {
    if (listing) keep = std::move(listing).value();  // who may not see backups sees the rest
  });
  client.drive();
  return keep != nullptr ? keep->items : std::vector<yaml::Value>();
}

/// What has a status, followed until the user has seen enough.
int follow(Kubernetes& kubernetes, release::Session& session) {
  release::Targets targets;
  for (const auto& [id, object] : session.live().objects())
    if (release::has_readiness(object.resource->kind))
      targets[std::string(id.group_kind)].emplace_back(id.ns, id.name);
  kubernetes.client().set_deadline(kube::Client::Clock::time_point::max());
  LiveTable table;
  const auto result = release::follow(kubernetes.client(), session.kinds(), session.release(), targets, [&](const auto& followed) { table.show(followed); });
  if (!result.failure) return print_unanswered(result.failure.error());
  return kInterrupted;
}

}  // namespace

int release_status(const ReleaseStatusFlags& flags) {
  const auto kubernetes = Kubernetes::open(flags.kube, flags.release.ns);
  if (kubernetes == nullptr) return kRefused;
  release::Session session(kubernetes->client(), kubernetes->release(flags.release.name));
  auto looked = session.look_for_parent();
  if (looked) looked = session.look_for_all();
  if (!looked) return print_unanswered(looked.error());
  if (session.live().parent() == nullptr) {
    print_error({fmt::format("there is no release {} in namespace {}", flags.release.name, kubernetes->ns()),
                 "-n says where; `cnpg-dbm status --local` shows this machine's own"});
    return kRefused;
  }
  if (flags.watch) return follow(*kubernetes, session);
  std::unique_ptr<kube::Listing> keep;
  const auto status = release::status_of(session.live(), backups_of(kubernetes->client(), kubernetes->ns(), keep));
  Stdout out;
  if (flags.output == "json") {
    out.write(json(status, session.release()));
  } else {
    for (const ClusterStatus& cluster : status.clusters) out.write(cluster_text(cluster));
    for (const MemberStatus& m : status.others)
      out.write(fmt::format("{} {}: {} {}\n", m.kind, m.name, to_string(m.readiness.state), printable(m.readiness.message, 300)));
    if (status.clusters.empty() && status.others.empty()) out.write(fmt::format("{}: no cluster\n", session.release().name));
  }
  return finish(out, status.healthy() ? kDone : kRefused);
}

}  // namespace dbm::cli
