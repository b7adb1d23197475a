#pragma once

// Where the local engine keeps things. One folder (`--dir`, by default
// $XDG_DATA_HOME/cnpg-dbm, for root /var/lib/cnpg-dbm), all of it private to its owner:
//
//   lock, state.json, passwords.json
//   connections/<cluster>/…          ways in, for applications
//   clusters/<cluster>/
//     instance-1/ …                  data folders: 1 is the primary
//     tls/, log/, poolers/<pooler>/, backup/
//   <short>/<cluster>-1/             sockets: a socket's path has at most 107 bytes, so they live
//                                    in run/ here, or where that is too long, below /tmp

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dbm::local {

class Layout {
 public:
  using Path = std::filesystem::path;

  /// `dir` as the user gave it, or empty for the default.
  explicit Layout(const std::string& dir);

  const Path& root() const { return root_; }
  Path lock() const { return root_ / "lock"; }
  Path state() const { return root_ / "state.json"; }
  Path passwords() const { return root_ / "passwords.json"; }
  Path connections(std::string_view cluster) const { return root_ / "connections" / cluster; }
  Path cluster(std::string_view cluster) const { return root_ / "clusters" / cluster; }
  Path data(std::string_view cluster, int instance) const;
  Path log(std::string_view cluster, std::string_view what) const;
  Path tls(std::string_view cluster) const { return this->cluster(cluster) / "tls"; }
  Path pooler(std::string_view cluster, std::string_view pooler) const {
    return this->cluster(cluster) / "poolers" / pooler;
  }
  Path backup(std::string_view cluster) const { return this->cluster(cluster) / "backup"; }
  Path sockets(std::string_view cluster, int instance) const;

  /// Makes the root and the folder of sockets; refuses one below /tmp that is someone else's.
  Status make() const;

 private:
  Path root_, run_;
};

}  // namespace dbm::local
