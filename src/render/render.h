#pragma once

// From the typed values to Kubernetes objects: a pure function, the same bytes for the same input
// and the same passwords. Objects come one at a time, in Helm's install order (kinds), within
// a kind in the order of the file; only one object is in memory at a time.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnpg/crd_table.h"
#include "spec/roles.h"
#include "spec/values.h"

namespace dbm::render {

class Context;

struct Options {
  std::string release = "databases";
  std::string ns = "default";
  cnpg::Version version = cnpg::kLatest;
  /// For validate: leaves out what the file's own rows have judged entirely - Secrets, and Databases
  /// with nothing passed through to CloudNativePG.
  bool judged_only = false;
  std::string applyset = {};  // applyset_id() of the release, for a label of every object
};

/// The password of a role, 32 characters; the view is good as long as the function. Gives the same
/// answer for the same question during one run; any thread may ask.
using PasswordOf = std::function<std::string_view(const spec::Cluster&, size_t role_index)>;

/// `value` lives only during the call.
struct Object {
  std::string_view kind, name, ns;
  yaml::Value value;
};
using Sink = std::function<void(const Object&)>;

/// A cluster with what several of its objects need.
struct ClusterPlan {
  const spec::Cluster* cluster;
  std::vector<spec::ClusterRole> roles;
};

/// The enabled clusters of the file.
std::vector<ClusterPlan> plan_clusters(const spec::Values& values);

/// A part of the result that can be made apart from the others.
struct Unit {
  std::string_view kind;
  void (*render)(Context&) = nullptr;
  std::span<const ClusterPlan> clusters = {};
  const yaml::Value* extra = nullptr;  // one of the file's own objects
  int rank = 0;                        // of the kind, in Helm's install order
};

/// Everything there is to render: the units one after the other are the result.
std::vector<Unit> units(const spec::Values& values, std::span<const ClusterPlan> clusters,
                        const Options& options);

/// Different units may be rendered by different threads at once.
void render(const spec::Values& values, const Unit& unit, const Options& options,
            const PasswordOf& password, const Sink& sink);

/// Rank of a kind in Helm's install order; kinds that Helm does not know come last, by name.
int install_rank(std::string_view kind);

/// The value of the label applyset.kubernetes.io/part-of for a release (KEP-3659).
std::string applyset_id(std::string_view release, std::string_view ns);

}  // namespace dbm::render
