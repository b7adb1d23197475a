#pragma once

// One cluster of the values file on this machine: its servers, what is in them, its poolers and its
// backups, brought to what the file says. What is right already is not touched; what a killed run
// left half-made is finished.
//
// A LocalCluster works with the folders and the state of its own name only, so that several may be
// brought up by as many threads; the caller holds the lock of the layout.

#include <functional>
#include <string>
#include <vector>

#include "local/backup.h"
#include "local/instance.h"
#include "local/layout.h"
#include "local/passwords.h"
#include "local/programs.h"
#include "local/settings.h"
#include "local/state.h"
#include "sql/converge.h"
#include "sql/desired.h"

namespace dbm::local {

/// What the file and the command line say of one cluster. The objects are those that CloudNativePG
/// would get.
struct ClusterSource {
  const spec::Values* values = nullptr;
  const render::ClusterPlan* plan = nullptr;
  yaml::Value spec = {};                  // Cluster.spec
  std::vector<yaml::Value> poolers = {};  // Pooler objects, in the order of plan->cluster->poolers
  sql::Desired desired = {};
  int instances = 1;
};

/// What the machine offers; shared by all clusters.
struct Surroundings {
  const Layout* layout = nullptr;
  const Passwords* passwords = nullptr;
  std::vector<Postgres> installed;
  Machine machine;
  std::string user;  // whom the servers run as
  bool everything = false;      // look inside every database again
  bool remote_backups = false;  // into the file's object store, not into a folder
  /// Keeps a cluster's state at once: what was done must not be done again by the next run.
  std::function<Status(std::string_view cluster, const ClusterState& state)> save = {};
  /// Called from the cluster's thread: what is being done now.
  std::function<void(std::string_view cluster, std::string_view what)> progress = {};
};

/// How it went. `done` is empty when nothing had to be done.
struct ClusterReport {
  std::string name;
  int major = 0;
  std::vector<std::string> notices, done, kept;
  std::vector<sql::Failed> failed;
  bool good() const { return failed.empty(); }
};

class LocalCluster {
 public:
  /// `state` is what earlier runs left. The others must outlive this object.
  LocalCluster(const Surroundings& around, const ClusterSource& source, ClusterState state);

  /// Fails as a whole when the servers cannot be brought up; the rest is in the report.
  Result<ClusterReport> up();
  /// Puts a restored data folder in the place of the primary's, which is kept beside it, and brings
  /// everything up again.
  Result<ClusterReport> restore(const RestorePoint& point);
  /// A base backup of the running primary.
  Status back_up(std::string_view type);

  const ClusterState& state() const { return state_; }

 private:
  void say(std::string_view what) const;
  void did(std::string what) { report_.done.push_back(std::move(what)); }

  Status choose_postgres();
  Status choose_ports();
  Status make_certificates();
  Status make_primary();
  Status run_server(const Instance& instance, const Instance::Files& files);
  Status run_replica(const Instance& replica, const Instance::Files& files);
  /// Waits until so many replicas, whose names are LIKE this, have replayed all that there is now;
  /// false when they do not within a minute.
  Result<bool> replayed(const std::string& names, int replicas);
  Status forget_recovery(const Instance& primary);
  Status prepare();
  Status make_lookup_function(const std::string& database);
  Status run_post_init();
  Status make_replicas();
  Status drop_surplus_replicas();
  Status converge();
  Status wait_for_replicas();
  Status run_poolers();
  Status write_connections();
  Status set_up_backup();
  Status restore_from_file(const Instance& primary);
  Status stop_all();
  Status swap_in(const Instance& primary, const std::filesystem::path& fresh, bool replaces);
  /// Replicas from this number on: they hold nothing of their own.
  Status remove_replicas(int first);
  Status restore_into(const Instance& primary, const Backups& from, const RestorePoint& point);
  Status save_state() { return around_.save(cluster_.name, state_); }

  Backups backups() const;
  Result<Instance::Files> files();
  Instance instance(int number) const;
  sql::Target admin(const std::string& database = "postgres") const;
  Result<sql::Connection> connect_admin() const;

  const Surroundings& around_;
  const ClusterSource& source_;
  const spec::Cluster& cluster_;
  ClusterState state_;
  Certificates tls_;
  Postgres postgres_;
  std::vector<Instance> instances_;
  ClusterReport report_;
};

}  // namespace dbm::local
