#pragma once

// Taking over a release that Helm made, and giving it back. What moves is whose the objects are:
// labels, annotations, and who manages their fields. Specs, passwords and everything else stay, and
// a dry run of every move proves it before the first one is made.

#include <deque>
#include <string>
#include <vector>

#include "release/compare.h"
#include "release/helm.h"
#include "release/live.h"
#include "release/write.h"

namespace dbm::release {

/// One object of Helm's manifest and how it becomes ours.
struct Move {
  const LiveObject* live = nullptr;
  std::string about;          // "Cluster main"
  yaml::Value body;           // for server-side apply: what Helm applied, with our marks
};

struct Adoption {
  std::vector<Move> moves;
  std::vector<std::string> lost;      // in the manifest, not on the server
  std::vector<Error> refusals;        // not Helm's (any more), and not ours
  size_t passwords = 0, done = 0;     // of the moves: password Secrets; objects that are ours already
  size_t leftovers = 0;               // of the moves: what revisions that failed left behind
  ApplySet set;
  yaml::Arena arena{64 * 1024};
};

/// Looks at every object of the manifest; they are kept in `live`.
Status plan_adoption(kube::Client& client, kube::Kinds& kinds, const Release& release, const HelmRelease& helm, Live& live,
                     Adoption& out);

/// Dry runs of all moves: every change that is more than marks, as "Cluster main: .spec.instances". No
/// entry: nothing restarts, no password changes.
struct Proof {
  std::vector<std::string> changes;
  std::vector<Failure> failures;
  bool holds() const { return changes.empty() && failures.empty(); }
};
Proof prove(kube::Client& client, const Adoption& adoption);

/// Makes the moves, then hides Helm's Secrets from Helm. Interrupted, it can be run again.
std::vector<Failure> adopt(kube::Client& client, const Release& release, const HelmSecrets& helm, const Adoption& adoption,
                           const std::function<void(const Progress&)>& progress);

/// The way back: objects of the manifest get Helm's marks and managed fields again, as the revision wrote
/// them (ApplyMethod), members or not: passwords that were kept go back too. Helm's Secrets are shown to
/// it, the ApplySet's parent goes. Interrupted, it can be run again.
struct GivenBack {
  size_t objects = 0;             // Helm's again
  std::vector<std::string> left;  // members that Helm never made, which stay and are nobody's
  std::vector<Failure> failures;
};
GivenBack give_back(kube::Client& client, kube::Kinds& kinds, const Release& release, const HelmSecrets& helm, Live& live);

}  // namespace dbm::release
