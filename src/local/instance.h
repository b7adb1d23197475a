#pragma once

// One PostgreSQL server of a local cluster: its data folder, its configuration, its process. Every
// step can be repeated: a data folder appears at once (made beside, then renamed), so that what a
// killed run leaves behind is either whole or thrown away by the next.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "local/certificates.h"
#include "local/programs.h"

namespace dbm::local {

enum class StopMode : uint8_t { kFast, kImmediate };

struct Instance {
  std::string cluster;
  int number = 1;  // 1 is the primary
  Postgres postgres = {};
  std::filesystem::path data = {}, sockets = {}, log = {};
  std::string address = {};
  int port = 0;

  bool is_primary() const { return number == 1; }
  std::string name() const;  // "shop-1", as CloudNativePG calls its pods

  // ---- the data folder ----
  /// The folder is there, and ours; an error when it is someone else's.
  Result<bool> exists() const;
  /// Its PG_VERSION; 0 when there is none.
  int data_major() const;
  /// initdb with checksums; `options` are further arguments.
  Status initialise(const std::vector<std::string>& options) const;
  /// pg_basebackup from the primary, as streaming_replica.
  Status copy_from(const Instance& primary, const Certificates& tls) const;
  /// Where a data folder is made before it is renamed to `data`; what was there is removed.
  Result<std::filesystem::path> fresh_folder() const;
  /// Renames the data folder to one that nothing looks for; gives its new place.
  Result<std::filesystem::path> set_aside() const;
  /// Marks the folder as ours, and renames it to `data`.
  Status adopt(const std::filesystem::path& fresh) const;

  // ---- configuration ----
  struct Files {
    std::map<std::string, std::string> parameters;  // without what follows from this struct
    std::string hba, ident;
    std::string primary_conninfo = {};  // of a replica
  };
  using Texts = std::map<std::string, std::string>;  // by file name
  /// Its configuration files as they are, and as they should be.
  Texts texts() const;
  Texts texts_of(const Files& files, const Certificates& tls) const;
  /// Writes what differs; true when something did, or when the server has not taken all of what an
  /// earlier call wrote (see Pending).
  Result<bool> write(const Texts& texts) const;
  /// Of a replica: what it needs for now instead of those of `parameters` that are less than its
  /// primary had when the WAL was written that it replays next (max_connections and others).
  Result<std::map<std::string, std::string>> not_below(const std::map<std::string, std::string>& parameters) const;

  // ---- the process ----
  std::optional<pid_t> pid() const;
  /// Where the process listens (a parameter may have changed since it started); 0: not told yet.
  int running_port() const;
  /// Starts it where it does not run; returns when connections are accepted.
  Status start() const;
  bool is_ready(pid_t process) const;
  void forget_old_process() const;
  Status stop(StopMode mode) const;
  Status reload() const;
};

}  // namespace dbm::local
