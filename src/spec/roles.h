#pragma once

// The roles of a cluster: owners, users and roles of their own, each once, sorted by name - what
// managed roles, password Secrets, pg_hba and connection Secrets all start from.

#include <string>
#include <vector>

#include "spec/values.h"

namespace dbm::spec {

struct ClusterRole {
  Text name;
  Pos pos;                  // where the file names it first
  Text existing_secret;     // data() null: the Secret is ours
  const Tree* attributes = nullptr;  // of `roles.<name>`
  bool tenant = false;      // owner or user of a database (else a role of its own)
  bool has_password = true;  // needs a password Secret
};

/// Sorted by name. The texts are views into the values; O(n log n).
std::vector<ClusterRole> cluster_roles(const Cluster& cluster);

/// The role of that name in the sorted list, or null pointer.
const ClusterRole* find_role(const std::vector<ClusterRole>& roles, std::string_view name);

/// The Secret that holds the role's password.
std::string password_secret(const Cluster& cluster, const ClusterRole& role);

}  // namespace dbm::spec
