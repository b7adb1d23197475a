#pragma once

// The passwords of a run: derived from a master key, those that the cluster already has, or new ones.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "render/render.h"
#include "secrets/derive.h"

namespace dbm::release {

/// What the Secret of that name (in the release's namespace) holds now; nothing: there is none.
using KnownPassword = std::function<std::optional<secrets::Secret>(std::string_view secret_name)>;

/// Every password of a run, made at once. Threads: of() from any number at once.
class Passwords {
 public:
  /// Reads the key file when one is given. An error when a cluster's roleSecrets.source is derive
  /// and there is no key. Without `known` every generated password is new.
  static Result<Passwords> make(const std::string& key_file, std::span<const render::ClusterPlan> clusters,
                                std::string_view ns, const KnownPassword& known = {});

  /// The view is good as long as this object.
  std::string_view of(const spec::Cluster& cluster, size_t role_index) const;
  /// True when some are new random ones.
  bool generated() const { return generated_; }

 private:
  Passwords() = default;
  void keep_known(const std::vector<const render::ClusterPlan*>& clusters, bool has_key, const KnownPassword& known);

  std::unordered_map<const spec::Cluster*, std::vector<secrets::Password>> made_;
  std::map<std::pair<const spec::Cluster*, size_t>, secrets::Secret> kept_;
  bool generated_ = false;
};

/// The names of the Secrets whose passwords are generated: made once, never written again. With a
/// key at hand (`has_key`) a cluster that says nothing else derives.
std::set<std::string, std::less<>> made_once(std::span<const render::ClusterPlan> clusters, bool has_key);

}  // namespace dbm::release
