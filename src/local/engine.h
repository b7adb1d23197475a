#pragma once

// The local engine as the commands use it: one folder, its lock, its state, all clusters in it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "local/cluster.h"
#include "local/connection_files.h"
#include "local/lock.h"
#include "secrets/derive.h"

namespace dbm::local {

struct EngineOptions {
  std::string command;  // for the lock's holder: "up"
  std::string dir;      // empty: the default
  std::string user;     // whom to run as, started as root
  std::string pg_bin;   // further folder of PostgreSQL's programs
  std::optional<int> replicas = {};  // instead of instances - 1
  bool everything = false, remote_backups = false, new_ports = false;
  std::chrono::seconds patience{600};  // for another command's end
  std::function<void(std::string_view cluster, std::string_view what)> progress = {};
  std::function<void(const std::string& holder)> waiting = {};
};

/// The values of a run, checked.
struct Wanted {
  const spec::Values* values = nullptr;
  std::span<const render::ClusterPlan> clusters;
  render::Options options;
  const secrets::Deriver* deriver = nullptr;  // of --password-key-file
};

class Engine {
 public:
  /// Becomes unprivileged, makes the folder, takes the lock, reads state and passwords.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options);

  struct Outcome {
    std::string cluster;
    Result<ClusterReport> report;
  };
  /// Brings the clusters up, several at a time; one outcome each, in the order of the file.
  Result<std::vector<Outcome>> up(const Wanted& wanted);
  /// Makes up() return soon, from another thread than the one it runs in: programs are ended, servers told to stop.
  /// Some may still run; stop() may be called once up() has returned.
  void interrupt() const;
  Result<Outcome> restore(const Wanted& wanted, std::string_view cluster, const RestorePoint& point);
  Status back_up(const Wanted& wanted, std::string_view cluster, std::string_view type);

  /// Clusters of the folder, the file's or not.
  std::vector<std::string> clusters() const;
  /// True while all its servers and poolers run.
  bool runs(const std::string& cluster) const;
  /// Lets other commands work in the folder; nothing of this object may be changed afterwards.
  void unlock() { lock_.reset(); }
  /// Stops poolers and servers of a cluster; true when something ran.
  Result<bool> stop(const std::string& cluster);
  /// Stops it, and removes everything that there is of it.
  Status remove(const std::string& cluster);

  std::vector<Way> ways(const render::ClusterPlan& plan) const;
  const Layout& layout() const { return layout_; }
  const State& state() const { return state_; }
  const Passwords& passwords() const { return passwords_; }

 private:
  Engine(EngineOptions options, Layout layout, Lock lock)
      : options_(std::move(options)), layout_(std::move(layout)), lock_(std::move(lock)) {}

  Result<Surroundings> surroundings(const Wanted& wanted);
  ClusterSource source(yaml::Arena& arena, const Wanted& wanted, const render::ClusterPlan& plan) const;
  Status make_passwords(const Wanted& wanted);
  int instances_of(const yaml::Value& spec) const;

  EngineOptions options_;
  Layout layout_;
  std::optional<Lock> lock_;
  State state_;
  std::mutex mutex_;  // of state_, while several clusters are brought up
  Passwords passwords_;
};

}  // namespace dbm::local
