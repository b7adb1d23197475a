#pragma once

// New passwords for roles, by a release's live objects alone: the role's password Secret first, then
// every connection Secret that carries it. CloudNativePG takes the password into PostgreSQL; sessions
// that are open go on.
//
// Of two who rotate one role at the same time the first wins. A run that ends between a password
// Secret and its connection Secrets leaves those with the old password: the next apply mends them,
// since it renders them from the password that is live. So does rotating again. An apply that runs
// at the same time leaves no old password behind: what it made before the password was written is
// looked for afterwards, and what it writes later it looks at itself (Session::passwords_changed).

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "release/live.h"
#include "release/write.h"

namespace dbm::release {

/// RFC 3339, UTC: when rotate wrote a password Secret.
inline constexpr std::string_view kRotatedAt = "cnpg-dbm/rotated-at";

struct RotateOptions {
  std::string cluster, role;  // empty: all of them
  std::optional<std::chrono::seconds> older_than;
};

/// One role, its password Secret, and the connection Secrets that carry the password.
struct RotateTarget {
  std::string cluster, role;
  const LiveObject* secret = nullptr;
  std::vector<const LiveObject*> connections;
};

/// `notices`: roles that were meant and are passed over, and why.
struct RotatePlan {
  std::vector<RotateTarget> targets;
  std::vector<std::string> notices;
};

/// The Secrets and Clusters of a release; an error when there is no such release.
Status look_for_passwords(kube::Client& client, kube::Kinds& kinds, const Release& release, Live& live);

/// An error when what is asked for by name cannot be. Points into `live`. Pure.
Result<RotatePlan> plan_rotation(const Live& live, const Release& release, const RotateOptions& options,
                                 std::chrono::sys_seconds now);

/// Whether the server would let it through, by dry run: all of it, or one write of each kind and place.
std::vector<Failure> try_rotation(kube::Client& client, const Release& release, const RotatePlan& plan, bool all);

/// A role with its new password. `behind`: connection Secrets that could not be written.
struct Rotated {
  const RotateTarget* target = nullptr;
  std::string resource_version;  // of the password Secret
  std::string at;                // RFC 3339
  std::vector<const LiveObject*> late;  // connection Secrets that were not there yet when it was planned
  size_t behind = 0;
};

struct RotateOutcome {
  std::vector<Rotated> done;
  std::vector<Failure> failures;
  std::unique_ptr<Live> seen_late = {};  // what `late` points into
};

RotateOutcome rotate(kube::Client& client, kube::Kinds& kinds, const Release& release, const RotatePlan& plan,
                     const std::function<void(const Progress&)>& progress);

/// Roles whose new password PostgreSQL does not have yet, with the operator's words where it has any;
/// empty: all have it. Waits until the client's deadline. An error when the server cannot be asked.
Result<std::vector<std::string>> wait_for_passwords(kube::Client& client, const Release& release, const std::vector<Rotated>& done);

}  // namespace dbm::release
