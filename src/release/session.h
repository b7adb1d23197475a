#pragma once

// One release on one server, looked at as a whole: what is wanted, what is there, and the plan that
// leads from one to the other. The commands diff, apply and uninstall share it.
//
// Threads: one. Owns all it sees; a plan points into it.

#include <memory>
#include <optional>

#include "release/cnpg_api.h"
#include "release/passwords.h"
#include "release/plan.h"

namespace dbm::release {

/// The values of a run. What is pointed at outlives the session.
struct Source {
  const spec::Values* values = nullptr;
  std::span<const render::ClusterPlan> clusters;
  render::Options options;
  std::string key_file;  // for derived passwords; empty: none
};

class Session {
 public:
  Session(kube::Client& client, Release release) : client_(client), release_(std::move(release)) {}

  /// The parent first: it knows where members are, and which CloudNativePG this was.
  Status look_for_parent();
  /// What the file wants and what there is of it.
  Status look(Source source);
  /// Everything is seen anew, and earlier plans are void.
  Status look_again();
  /// As look, of a file that wants nothing.
  Status look_for_all();
  Plan plan(const PlanOptions& options) const;
  /// True when a role has got another password since look(): what carries the old one is to be made
  /// anew. Asks the server.
  Result<bool> passwords_changed() const;

  const Release& release() const { return release_; }
  Live& live() { return *live_; }
  const Live& live() const { return *live_; }
  const Wanted& wanted() const { return *wanted_; }
  kube::Client& client() const { return client_; }
  kube::Kinds& kinds() { return kinds_; }

 private:
  Status start_over();
  Status render();
  Status look_for_strangers(bool& knows_more);
  std::optional<secrets::Secret> known_password(std::string_view secret) const;

  kube::Client& client_;
  Release release_;
  kube::Kinds kinds_;
  Source source_;  // what is wanted points into it
  std::unique_ptr<Live> live_ = std::make_unique<Live>();
  std::unique_ptr<Wanted> wanted_ = std::make_unique<Wanted>();
  std::optional<Passwords> passwords_;
  bool looked_ = false;
};

}  // namespace dbm::release
