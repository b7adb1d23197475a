#pragma once

// What the local engine remembers between runs, in state.json: ports, how far a cluster's making has
// come, and what is known to be right inside its databases. Everything else is looked up in the
// folders and servers themselves. Threads: one at a time.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace dbm::local {

struct ClusterState {
  int port = 0;                          // of every instance, each on an address of its own
  std::map<std::string, int> poolers;    // name -> port
  int64_t post_init_done = 0;            // statements of initdb.postInitSQL that were run
  bool ready = false;                    // made to its end once
  std::map<uint32_t, std::string> known;  // fingerprints of databases (sql::ConvergeOptions)
  std::string connections;               // fingerprint of the connection files
  bool stanza = false;                   // pgBackRest knows the cluster
};

struct State {
  std::map<std::string, ClusterState> clusters;

  /// An empty state when there is no file; an error when it is not ours.
  static Result<State> load(const std::filesystem::path& file);
  Status save(const std::filesystem::path& file) const;
};

}  // namespace dbm::local
