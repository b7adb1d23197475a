#pragma once

// The passwords of a run: new ones, or derived from a master key.

#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "render/render.h"
#include "secrets/derive.h"

namespace dbm::cli {

/// Every password that this run makes, made at once. Threads: of() from any number at once.
class Passwords {
 public:
  /// Reads the key file when one is given. An error when a cluster's roleSecrets.source is derive
  /// and there is no key.
  static Result<Passwords> make(const PasswordFlags& flags,
                                std::span<const render::ClusterPlan> clusters, std::string_view ns);

  /// The view is good as long as this object.
  std::string_view of(const spec::Cluster& cluster, size_t role_index) const;
  /// True when some are new random ones.
  bool generated() const { return generated_; }

 private:
  Passwords() = default;

  std::unordered_map<const spec::Cluster*, std::vector<secrets::Password>> made_;
  bool generated_ = false;
};

}  // namespace dbm::cli
