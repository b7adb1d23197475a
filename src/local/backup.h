#pragma once

// Backups of a local cluster by pgBackRest: a stanza named after the cluster, WAL archived as it is
// written, base backups on demand, restores to any point between. The repository is a folder beside
// the cluster; or, when asked for, the object store that the values file names.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "local/instance.h"
#include "local/layout.h"
#include "spec/values.h"

namespace dbm::local {

struct BackupInfo {
  std::string label, type;         // 20261124-083000F, "full"
  int64_t started = 0, stopped = 0;  // seconds since 1970
  int64_t size = 0, repository_size = 0;  // bytes
  std::string wal_start, wal_stop;
  bool error = false;
};

/// Where to restore to. At most one of the points; none: the end of the WAL.
struct RestorePoint {
  std::string time;  // RFC 3339, or as PostgreSQL writes it
  std::string xid, name, lsn;
  bool immediate = false;  // as soon as the backup is consistent
  bool exclusive = false;  // stop before the point
  std::string backup;      // label; empty: chosen by the time
};

class Backups {
 public:
  /// `backup` is the file's; null for a cluster that only restores from here.
  Backups(const Layout& layout, std::string cluster, const spec::Backup* backup, bool remote);

  bool enabled() const { return backup_ != nullptr && backup_->enabled; }
  /// archive_mode and archive_command; empty when there are no backups.
  Result<std::map<std::string, std::string>> parameters() const;
  /// Writes the configuration for a primary; true when it changed.
  Result<bool> configure(const Instance& primary) const;
  Status create_stanza() const;
  /// `type`: full, diff or incr. Expires what the retention policy lets go.
  Status take(std::string_view type) const;
  Result<std::vector<BackupInfo>> list() const;
  /// True when there is a configuration here (some run made backups).
  bool exist() const;
  /// Restores into an empty folder, which is to be renamed to `data` before a server starts there:
  /// that recovers to the point and then takes over (recovery_target_action promote).
  Status restore(const std::filesystem::path& into, const std::filesystem::path& data,
                 const RestorePoint& point) const;

 private:
  std::filesystem::path folder() const { return layout_.backup(cluster_); }
  std::filesystem::path config() const { return folder() / "pgbackrest.conf"; }
  Result<std::vector<std::string>> command(std::vector<std::string> words) const;
  Result<std::string> config_text(const Instance& primary) const;

  const Layout& layout_;
  std::string cluster_;
  const spec::Backup* backup_;
  bool remote_;
};

/// Days of "30d", "4w" or "3m"; 0 when it is none of these.
int64_t retention_days(std::string_view policy);
/// A time as pgBackRest takes it: "2026-01-31 10:00:00.123+00".
std::string target_time(std::string_view rfc3339);

}  // namespace dbm::local
