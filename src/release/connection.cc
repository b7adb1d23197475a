#include "release/connection.h"

#include <algorithm>
#include <vector>

#include "release/applied.h"
#include "release/tree.h"
#include "render/secret_data.h"
#include "secrets/base64.h"

namespace dbm::release {
namespace {

using yaml::Value;

constexpr std::string_view kPooler = "pooler-", kHost = "-host";

bool is_ours(const LiveObject& object, std::string_view type) {
  return object.member && object.resource->kind == "Secret" && text_at(object.value, {"type"}) == type &&
         label(object.value, kManagedBy) == "cnpg-dbm" && !label(object.value, kClusterLabel).empty() &&
         object.value.find_path({"data", "username"}) != nullptr;
}

/// postgresql://user:password@HOST:5432/database; user and password are percent-encoded.
std::string host_of(const secrets::Secret& uri) {
  const std::string_view text = uri.reveal();
  const size_t at = text.find('@');
  const size_t end = at == text.npos ? at : text.find_first_of(":/", at + 1);
  return end == text.npos ? std::string() : std::string(text.substr(at + 1, end - at - 1));
}

/// The keys that render makes, with the hosts that `live` names.
Value data_with(yaml::Arena& arena, const Value& live, const Release& release, std::string_view password) {
  const auto text = [&](std::string_view key) { return arena.copy(decoded(live, key)); };
  std::string_view host = text("host");
  if (host.empty()) host = arena.concat({label(live, kClusterLabel), "-rw.", release.ns, ".svc"});
  std::string_view fqdn = arena.copy(host_of(decoded_secret(live, "fqdn-uri")));
  if (fqdn.empty()) fqdn = host;
  std::vector<render::PoolerHost> poolers;
  for (const yaml::Member& m : members_at(live, {"data"}))
    if (m.key.size() > kPooler.size() + kHost.size() && m.key.starts_with(kPooler) && m.key.ends_with(kHost))
      poolers.push_back({m.key.substr(kPooler.size(), m.key.size() - kPooler.size() - kHost.size()), text(m.key)});
  render::Map object(arena, 1);
  render::Data data(object, render::connection_keys(poolers.size()));
  render::set_connection(data, {text("username"), password, text("dbname"), host, fqdn, poolers});
  return *object.value().find("data");
}

}  // namespace

bool is_password_secret(const LiveObject& object) {
  return object.resource->kind == "Secret" && text_at(object.value, {"type"}) == kPasswordType;
}
bool is_role_password(const LiveObject& object) { return is_ours(object, kPasswordType); }

bool is_connection(const LiveObject& object) {
  return is_ours(object, "Opaque") && object.value.find_path({"data", "password"}) != nullptr &&
         object.value.find_path({"data", "dbname"}) != nullptr;
}

bool applies_password(const Value& secret) {
  return std::ranges::any_of(items_at(secret, {"metadata", "managedFields"}), [](const Value& entry) {
    return text_at(entry, {"manager"}) == kFieldManager && text_at(entry, {"operation"}) == "Apply" &&
           entry.find_path({"fieldsV1", "f:data", "f:password"}) != nullptr;
  });
}

std::string decoded(const Value& secret, std::string_view key) {
  return secrets::decode_base64(text_at(secret, {"data", key})).value_or(std::string());
}

secrets::Secret decoded_secret(const Value& secret, std::string_view key) { return secrets::Secret(decoded(secret, key)); }

Value connection_with(yaml::Arena& arena, const LiveObject& live, const Release& release, std::string_view password) {
  Value out = applied_part(arena, live, kFieldManager);
  Value metadata = *out.find("metadata");
  metadata.set(arena, "resourceVersion", Value::string(live.resource_version()));
  const Value* ours = out.find("data");
  Value data = ours != nullptr && ours->is_map() ? yaml::clone(arena, *ours) : Value::map(arena);
  for (const yaml::Member& m : data_with(arena, live.value, release, password).members())
    if (live.value.find_path({"data", m.key}) != nullptr) data.set(arena, m.key, m.value);
  out.set(arena, "data", data);
  return out;
}

}  // namespace dbm::release
