// Backups and restores of a LocalCluster.

#include <fmt/format.h>

#include "base/files.h"
#include "local/cluster.h"
#include "local/pooler.h"

namespace dbm::local {
namespace {

RestorePoint point_of(const spec::Recovery& recovery) {
  RestorePoint out;
  if (recovery.backup) out.backup = recovery.backup->name;
  if (!recovery.recovery_target) return out;
  const spec::RecoveryTarget& t = *recovery.recovery_target;
  out.time = t.target_time;
  out.xid = t.target_xid;
  out.name = t.target_name;
  out.lsn = t.target_lsn;
  out.immediate = t.target_immediate.value_or(false);
  out.exclusive = t.exclusive.value_or(false);
  if (!t.backup_id.empty()) out.backup = t.backup_id;
  return out;
}

/// The local cluster whose backups an external cluster's name stands for: barmanObjectStore's
/// serverName where it has one, else the name itself.
std::string server_of(const yaml::Value& external_clusters, std::string_view name) {
  for (const yaml::Value& external : external_clusters.items()) {
    const yaml::Value* own = external.find("name");
    if (own == nullptr || own->text() != name) continue;
    for (const auto& path : {std::pair("barmanObjectStore", "serverName"), std::pair("plugin", "parameters")}) {
      const yaml::Value* found = external.find_path({path.first, path.second});
      if (found != nullptr && found->is_map()) found = found->find("serverName");
      if (found != nullptr && !found->text().empty()) return std::string(found->text());
    }
  }
  return std::string(name);
}

}  // namespace

Status LocalCluster::restore_from_file(const Instance& primary) {
  const spec::Recovery& recovery = cluster_.recovery;
  const std::string source = recovery.source.empty()
                                 ? std::string(cluster_.name)
                                 : server_of(cluster_.external_clusters, recovery.source);
  const Backups backups(*around_.layout, source, nullptr, around_.remote_backups);
  if (!backups.exist())
    return Error{fmt::format("recovery.source: there are no backups of {} in {}", source,
                             around_.layout->root().string()),
                 fmt::format("on this machine a cluster is restored from the backups that `cnpg-dbm "
                             "backup {}` made", source)};
  return restore_into(primary, backups, point_of(recovery));
}

Status LocalCluster::restore_into(const Instance& primary, const Backups& backups,
                                  const RestorePoint& point) {
  auto fresh = primary.fresh_folder();
  if (!fresh) return std::move(fresh).error();
  if (auto restored = backups.restore(*fresh, primary.data, point); !restored) return restored;
  state_.known.clear();
  return primary.adopt(*fresh);
}

Backups LocalCluster::backups() const {
  return Backups(*around_.layout, std::string(cluster_.name), &cluster_.backup, around_.remote_backups);
}

Result<ClusterReport> LocalCluster::restore(const RestorePoint& point) {
  const Backups backups = this->backups();
  if (!backups.exist())
    return Error{fmt::format("cluster {}: there are no backups of it", cluster_.name),
                 "backup.enabled: true in the values file, `cnpg-dbm up`, then `cnpg-dbm backup`"};
  for (const auto step : {&LocalCluster::choose_postgres, &LocalCluster::choose_ports})
    if (auto done = (this->*step)(); !done) return std::move(done).error();
  const Instance primary = instances_.front();
  auto exists = primary.exists();
  if (!exists) return std::move(exists).error();
  say("restoring");
  // The running server goes on until its successor is whole; its last WAL is archived as it stops.
  auto fresh = primary.fresh_folder();
  if (!fresh) return std::move(fresh).error();
  if (auto restored = backups.restore(*fresh, primary.data, point); !restored)
    return std::move(restored).error();
  if (auto stopped = stop_all(); !stopped) return std::move(stopped).error();
  if (auto swapped = swap_in(primary, *fresh, *exists); !swapped) return std::move(swapped).error();
  did("restored");
  if (auto removed = remove_replicas(2); !removed) return std::move(removed).error();
  state_.known.clear();
  instances_.clear();
  return up();
}

Status LocalCluster::stop_all() {
  for (const auto& [pooler, port] : state_.poolers)
    if (auto stopped = stop_pooler(*around_.layout, cluster_.name, pooler); !stopped)
      return std::move(stopped).error();
  return instances_.front().stop(StopMode::kFast);
}

/// The restored folder becomes the primary's and is recovered to its point. When that fails, what was
/// there before is put back.
Status LocalCluster::swap_in(const Instance& primary, const std::filesystem::path& fresh, bool replaces) {
  std::filesystem::path kept;
  if (replaces) {
    auto aside = primary.set_aside();
    if (!aside) return std::move(aside).error();
    kept = *aside;
  }
  Status recovered = primary.adopt(fresh);
  if (recovered) {
    auto written = files();
    recovered = written ? run_server(primary, *written) : Status(written.error());
    report_.notices.clear();  // up() tells them
  }
  if (recovered) {
    if (replaces)
      report_.notices.push_back(fmt::format("the data from before is kept in {}", kept.string()));
    return Ok{};
  }
  Error why = std::move(recovered).error();
  if (!replaces) return why;
  (void)primary.stop(StopMode::kImmediate);
  std::error_code error;
  std::filesystem::remove_all(primary.data, error);
  std::filesystem::rename(kept, primary.data, error);
  if (error)
    return Error{fmt::format("{}\nand the data from before cannot be put back: {}", why.message, error.message()),
                 fmt::format("it is in {}; rename it to {}", kept.string(), primary.data.string())};
  why.hint = "everything is as it was before; `cnpg-dbm up` starts it again";
  return why;
}

Status LocalCluster::back_up(std::string_view type) {
  const Backups backups = this->backups();
  if (!backups.enabled())
    return Error{fmt::format("cluster {}: backup.enabled is false", cluster_.name),
                 "set it in the values file and run `cnpg-dbm up`"};
  if (!backups.exist() || !state_.stanza)
    return Error{fmt::format("cluster {}: backups are not set up yet", cluster_.name), "run `cnpg-dbm up` first"};
  return backups.take(type);
}

Status LocalCluster::set_up_backup() {
  const Backups backups = this->backups();
  if (!backups.enabled()) return Ok{};
  if (state_.stanza) return Ok{};
  say("making the backup stanza");
  if (auto made = backups.create_stanza(); !made) return made;
  state_.stanza = true;
  did("backup stanza created");
  report_.notices.push_back(fmt::format("no base backup yet: `cnpg-dbm backup {}` takes one", cluster_.name));
  return Ok{};
}

}  // namespace dbm::local
