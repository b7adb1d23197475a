#pragma once

// What the local engine remembers between runs, in state.json: ports, and what is known to be right inside its databases. Everything else is looked up in the
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
  std::map<uint32_t, std::string> known;  // fingerprints of databases (sql::ConvergeOptions)
  std::string connections;               // fingerprint of the connection files
  bool stanza = false;                   // pgBackRest knows the cluster
};

struct State {
  std::map<std::string, ClusterState> clusters;

  /// An empty state when there is no file; an error when it cannot be read or is not ours.
  static Result<State> load(const std::filesystem::path& file);
  Status save(const std::filesystem::path& file) const;
};

}  // namespace dbm::local
