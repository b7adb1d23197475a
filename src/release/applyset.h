#pragma once

// The parent object of a release's ApplySet: which kinds and namespaces have members.
// Source: KEP-3659, "kubectl apply --prune redesign". Pure.

#include <set>
#include <string>

#include "release/release.h"
#include "yaml/value.h"

namespace dbm::release {

struct ApplySet {
  std::set<std::string, std::less<>> group_kinds;
  std::set<std::string, std::less<>> namespaces;  // besides the release's own
  /// "HASH=1.29": the CloudNativePG that the server's API of that hash is of; empty: not known.
  std::string cnpg_api = {};
  std::string adopted = {};  // the release of Helm that this one was; empty: none

  bool operator==(const ApplySet&) const = default;
  /// What either has.
  void add(const ApplySet& other);
};

/// A live parent as it was seen; empty: there was none.
struct SeenParent {
  std::string uid, version;
  bool is_there() const { return !uid.empty(); }
};
SeenParent seen_parent(const yaml::Value& parent);

/// The parent as it is applied. `seen` given: the server refuses it when the parent has been written since.
yaml::Value parent_object(yaml::Arena& arena, const Release& release, const ApplySet& set, const SeenParent& seen = {});
/// What a live parent says.
ApplySet read_parent(const yaml::Value& parent);
/// The tool that the parent says it belongs to, without its version; empty: none.
std::string_view tool_of(const yaml::Value& parent);

}  // namespace dbm::release
