#pragma once

// Where the passwords of a run come from: new ones, or derived from a master key.

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cli/flags.h"
#include "render/render.h"
#include "secrets/derive.h"

namespace dbm::cli {

/// The same answer for the same role during a run. Threads: one.
class Passwords {
 public:
  /// Reads the key file when one is given. An error when a cluster's roleSecrets.source is derive
  /// and there is no key.
  static Result<Passwords> open(const PasswordFlags& flags,
                                std::span<const render::ClusterPlan> clusters, std::string ns);

  std::string_view of(const spec::Cluster& cluster, size_t role_index,
                      const spec::ClusterRole& role);
  /// True when any answer was a new random password.
  bool generated() const { return generated_; }

 private:
  Passwords() = default;
  bool derives(const spec::Cluster& cluster) const;

  std::string ns_;
  std::optional<secrets::Deriver> deriver_;
  std::unique_ptr<secrets::PasswordSource> source_ = std::make_unique<secrets::PasswordSource>();
  std::unordered_map<const spec::Cluster*, std::vector<std::optional<secrets::Password>>> made_;
  bool generated_ = false;
};

}  // namespace dbm::cli
