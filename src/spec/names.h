#pragma once

// How the names of Kubernetes objects follow from the names of the values file, and which names
// are legal. Pure functions; any thread.

#include <string>
#include <string_view>

namespace dbm::spec {

/// `_` becomes `-`, upper case lower case (docs/values.md, Databases).
std::string sanitize(std::string_view name);

std::string database_object_name(std::string_view cluster, std::string_view database);
std::string role_secret_name(std::string_view cluster, std::string_view role);
std::string connection_secret_name(std::string_view cluster, std::string_view database);
std::string user_secret_name(std::string_view cluster, std::string_view database,
                             std::string_view user);
std::string pooler_object_name(std::string_view cluster, std::string_view pooler);
std::string backup_secret_name(std::string_view cluster);

/// RFC 1123 label: lower-case letters, digits, `-`, at most `limit` bytes.
bool is_dns_label(std::string_view name, size_t limit = 63);
/// RFC 1123 subdomain: labels joined by `.`, at most 253 bytes.
bool is_dns_subdomain(std::string_view name);
/// A legal Kubernetes label value: at most 63 of [A-Za-z0-9._-], alphanumeric at both ends.
bool is_label_value(std::string_view value);
/// A legal key of a label or annotation: `name` or `prefix/name`, the prefix a DNS subdomain.
bool is_label_key(std::string_view key);

}  // namespace dbm::spec
