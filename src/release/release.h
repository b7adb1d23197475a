#pragma once

// A release on a Kubernetes API: the objects of one values file in one namespace (and the namespaces
// of its tenants), held together by an ApplySet (KEP-3659) whose parent is a Secret.

#include <string>
#include <string_view>

namespace dbm::release {

/// Of our server-side apply.
inline constexpr std::string_view kFieldManager = "cnpg-dbm";
inline constexpr std::string_view kManagedBy = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kInstance = "app.kubernetes.io/instance";
inline constexpr std::string_view kPartOf = "applyset.kubernetes.io/part-of";
inline constexpr std::string_view kClusterLabel = "cnpg.io/cluster";
inline constexpr std::string_view kPasswordType = "kubernetes.io/basic-auth";  // of Secrets with a role's password

struct Release {
  std::string name, ns;
  std::string applyset;  // render::applyset_id
  /// A release of Helm whose objects count as ours already: while it is being adopted. Empty: none.
  std::string adopting = {};
  std::string parent() const { return "cnpg-dbm-" + name; }
};

}  // namespace dbm::release
