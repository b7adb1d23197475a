#pragma once

// Kinds of objects, and where the API server keeps them. Pure.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace dbm::kube {

/// A kind under a version of its group, and the path segment it is asked by.
struct Resource {
  std::string group;  // empty: the core group
  std::string version, kind, plural;
  bool namespaced = true;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  /// "databases.postgresql.cnpg.io", as RBAC and kubectl write it.
  std::string name() const { return group.empty() ? plural : plural + "." + group; }
  /// "Database.postgresql.cnpg.io" (KEP-3659's contains-group-kinds).
  std::string group_kind() const { return group.empty() ? kind : kind + "." + group; }
  auto operator<=>(const Resource&) const = default;
};

/// Kinds that a values file makes by itself: known without asking the server.
std::optional<Resource> well_known(std::string_view api_version, std::string_view kind);
/// The same by group and kind, in the version that we write.
std::optional<Resource> well_known_group_kind(std::string_view group_kind);

/// Group and version of an apiVersion.
std::pair<std::string_view, std::string_view> split_api_version(std::string_view api_version);

/// The path of one object, or of all when `name` is empty; of every namespace when `ns` is empty.
std::string path_of(const Resource& resource, std::string_view ns, std::string_view name = {},
                    std::string_view subresource = {});

/// key=value of a query with the value percent-encoded; the first one begins with ?.
class Query {
 public:
  Query& add(std::string_view key, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace dbm::kube
