#pragma once

// The least rights that apply, diff, status, rotate and uninstall of a file need: what they ask the
// server, by kind and namespace. Pure.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "release/session.h"

namespace dbm::release {

/// Verbs by namespace (empty: kinds that have none), group and plural of the kind.
struct Rights {
  using Verbs = std::set<kube::Verb>;
  std::map<std::string, std::map<std::pair<std::string, std::string>, Verbs>> of;

  void add(const std::string& ns, const kube::Resource& resource, std::initializer_list<kube::Verb> verbs);
};

/// An error when the file has a kind that `kinds` does not know.
Result<Rights> rights_needed(const Source& source, const Release& release, kube::Kinds& kinds);

/// Whom they are given: a User, or a ServiceAccount when `ns` is not empty. Without a name: nobody.
struct Subject {
  std::string ns, name;
};

/// A Role for each namespace, a ClusterRole for kinds that have none, and their bindings.
std::vector<yaml::Value> rbac_objects(yaml::Arena& arena, const Release& release, const Rights& rights, const Subject& subject);

}  // namespace dbm::release
