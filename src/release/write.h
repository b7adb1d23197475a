#pragma once

// Makes a plan true: the one place of this module that changes anything on the server.

#include <functional>
#include <string>
#include <vector>

#include "release/plan.h"

namespace dbm::release {

struct Progress {
  size_t done = 0, total = 0;
};

struct WriteOptions {
  bool force_conflicts = false;  // take fields from other managers
  bool narrow_parent = true;     // at the end it names only what has members
  std::function<void(const Progress&)> progress = {};
};

/// An object that could not be written, or was not tried since what it needs could not.
struct Failure {
  std::string object;  // "Database shop-orders"
  Error error;
  bool forbidden = false, timed_out = false, interrupted = false;
};

/// An object that the server refused, with what that means (explain()).
Failure failure_of(std::string object, const kube::ApiError& error);

/// What came of it. The actions count what the server says: a change that changed nothing is kSame.
struct Outcome {
  struct Done {
    const Step* step;
    Action action;
  };
  std::vector<Done> done;
  std::vector<Failure> failures;
  size_t skipped = 0;
  /// Somebody else made a Secret of a password first, or wrote the parent: the plan is not true any
  /// more; look again.
  bool overtaken = false;
};

Outcome write(kube::Client& client, const Release& release, const Plan& plan, const WriteOptions& options);

/// Takes the ApplySet's parent away: the release is no more. Of this very parent: one that was made, or
/// written, since `seen` has members of another apply; that is an error.
Status remove_parent(kube::Client& client, const Release& release, const SeenParent& seen);

/// How the parent is written: created, or applied over what was seen of it.
kube::Call parent_call(const Release& release, const ApplySet& set, const SeenParent& seen);
/// How it is taken away.
kube::Call parent_removal(const Release& release, const SeenParent& seen);

/// The calls, for those who try them without writing.
struct ApplyOptions {
  bool force = false, dry_run = false;
  std::string_view accept = "application/json";
};
kube::Call apply_call(const kube::Resource& resource, std::string_view ns, std::string_view name, const yaml::Value& value,
                      const ApplyOptions& options);
/// How a step is carried out; only for kCreate and kChange.
kube::Call call_of(const Step& step, const ApplyOptions& options);

/// How a step takes an object away: kPrune and kRelease. Of this very object: another one of its name,
/// made since, is left alone.
kube::Call removal_of(const Step& step, const ApplyOptions& options);

/// What a server's refusal of an object means: conflicts by manager and field, and what to do.
Error explain(std::string_view object, const kube::ApiError& error);

}  // namespace dbm::release
