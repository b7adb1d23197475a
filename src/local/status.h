#pragma once

// How the clusters of this machine are: their servers, databases, poolers and backups, asked of the
// servers themselves. Changes nothing and takes no lock.

#include <string>
#include <vector>

#include "local/layout.h"
#include "local/state.h"

namespace dbm::local {

struct InstanceStatus {
  std::string name, address;
  bool primary = false, runs = false;
  std::string problem;    // empty: well
  int64_t lag_bytes = 0;  // of a replica, behind the primary
  std::string log;
};
struct DatabaseStatus {
  std::string name, owner;
  int64_t size = 0, connections = 0, connection_limit = -1;
};
struct PoolerStatus {
  std::string name;
  int port = 0;
  bool runs = false;
  std::string log;
};
struct ClusterStatus {
  std::string name, version;
  int port = 0;
  std::vector<InstanceStatus> instances;
  std::vector<DatabaseStatus> databases;
  std::vector<PoolerStatus> poolers;
  std::vector<std::string> problems;  // of the cluster as a whole: archiving fails, connections run out
  bool healthy() const;
};

std::vector<ClusterStatus> status_of(const Layout& layout, const State& state);

}  // namespace dbm::local
