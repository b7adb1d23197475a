#include "spec/names.h"

#include <algorithm>
#include <span>

namespace dbm::spec {
namespace {

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

char sanitized(char c) {
  if (c == '_') return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string joined(std::string_view cluster, std::string_view middle, std::string_view name,
                   std::string_view suffix) {
  std::string out;
  out.reserve(cluster.size() + middle.size() + name.size() + suffix.size());
  out.append(cluster).append(middle).append(name);
  for (char& c : std::span(out).last(name.size())) c = sanitized(c);
  return out.append(suffix);
}

}  // namespace

std::string sanitize(std::string_view name) { return joined({}, {}, name, {}); }

std::string database_object_name(std::string_view cluster, std::string_view database) {
  return joined(cluster, "-", database, "");
}

std::string role_secret_name(std::string_view cluster, std::string_view role) {
  return joined(cluster, "-", role, "-password");
}

std::string connection_secret_name(std::string_view cluster, std::string_view database) {
  return joined(cluster, "-", database, "-app");
}

std::string user_secret_name(std::string_view cluster, std::string_view database,
                             std::string_view user) {
  return joined(cluster, "-", database, "-") + sanitize(user);
}

std::string pooler_object_name(std::string_view cluster, std::string_view pooler) {
  return joined(cluster, "-pooler-", pooler, "");
}

std::string backup_secret_name(std::string_view cluster) {
  return std::string(cluster) + "-backup-creds";
}

bool is_dns_label(std::string_view name, size_t limit) {
  return !name.empty() && name.size() <= limit && is_lower_alnum(name.front()) &&
         is_lower_alnum(name.back()) &&
         std::ranges::all_of(name, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view name) {
  if (name.size() > 253) return false;
  for (;;) {
    const size_t dot = name.find('.');
    if (!is_dns_label(name.substr(0, dot), 253)) return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool is_label_value(std::string_view value) {
  if (value.empty()) return true;
  return value.size() <= 63 && is_alnum(value.front()) && is_alnum(value.back()) &&
         std::ranges::all_of(
             value, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_label_key(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == key.npos) return !key.empty() && is_label_value(key);
  const std::string_view name = key.substr(slash + 1);
  return is_dns_subdomain(key.substr(0, slash)) && !name.empty() && is_label_value(name);
}

}  // namespace dbm::spec
