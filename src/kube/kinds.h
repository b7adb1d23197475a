#pragma once

// The kinds of objects that a server has: those that this program makes are known beforehand, others
// (a file's extraObjects) are asked for.
//
// Owns the resources it gives out, which stay where they are. Threads: one.

#include <map>
#include <memory>
#include <string>

#include "kube/client.h"

namespace dbm::kube {

class Kinds {
 public:
  /// Null pointer: not known; learn() may help.
  const Resource* find(std::string_view api_version, std::string_view kind);
  /// By "Database.postgresql.cnpg.io"; in the server's preferred version when it is not one of ours.
  const Resource* find(std::string_view group_kind);
  /// Asks the server for everything it has (aggregated discovery, Kubernetes 1.27 and later).
  Status learn(Client& client);

 private:
  const Resource* keep(const Resource& resource);
  Status learn_from(const std::string& body);

  std::map<Resource, std::unique_ptr<Resource>> kept_;
  std::map<std::string, const Resource*, std::less<>> by_kind_;        // "group/version/kind"
  std::map<std::string, const Resource*, std::less<>> by_group_kind_;
};

}  // namespace dbm::kube
