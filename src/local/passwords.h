#pragma once

// The passwords of the local engine's roles, in passwords.json (mode 0600): made once, kept as long
// as the file stands. Beside each stands its SCRAM verifier, so that a run with nothing to do
// compares texts instead of deriving keys. Threads: one at a time; find() from any.

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "render/render.h"
#include "secrets/derive.h"

namespace dbm::local {

struct RolePassword {
  secrets::Secret password, verifier;
};

class Passwords {
 public:
  /// An error when others may read the file, or when it is not ours.
  static Result<Passwords> load(const std::filesystem::path& file);

  /// Sees that every role of the cluster that needs a password has one: derived with `deriver` where
  /// there is one, else kept, else new. `ns` is part of what is derived. True when one is new.
  bool complete(const render::ClusterPlan& plan, const secrets::Deriver* deriver,
                std::string_view ns);
  /// Null pointer for a role without password here.
  const RolePassword* find(std::string_view cluster, std::string_view role) const;
  void forget(std::string_view cluster);
  Status save(const std::filesystem::path& file) const;

 private:
  std::map<std::string, std::map<std::string, RolePassword, std::less<>>, std::less<>> clusters_;
};

}  // namespace dbm::local
