#include "release/references.h"

#include <fmt/format.h>

#include "release/tree.h"

namespace dbm::release {
namespace {

using yaml::Value;

/// Collects along the fields of CloudNativePG's objects that name Secrets (LocalObjectReference and
/// SecretKeySelector; api/v1 of 1.25 to 1.30).
class Collector {
 public:
  explicit Collector(std::vector<SecretReference>& out) : out_(out) {}

  void secret(const Value& parent, std::string_view key, const std::string& field, std::vector<std::string> keys = {}, std::string_view user = {}) {
    const std::string_view name = text_at(parent, {key, "name"});
    if (!name.empty()) out_.push_back({std::string(name), std::move(keys), std::string(user), fmt::format("{}.{}", field, key)});
  }
  void named(std::string_view name, std::string field) { out_.push_back({std::string(name), {}, {}, std::move(field)}); }
  void selector(const Value& parent, std::string_view key, const std::string& field) {
    secret(parent, key, field, {std::string(text_at(parent, {key, "key"}))});
  }
  void store(const Value* store, const std::string& field) {
    if (store == nullptr) return;
    for (const std::string_view cloud : {"s3Credentials", "azureCredentials", "googleCredentials"})
      for (const yaml::Member& m : members_at(*store, {cloud}))
        if (m.value.is_map()) selector(*store->find(cloud), m.key, field + "." + std::string(cloud));
    selector(*store, "endpointCA", field);
  }

 private:
  std::vector<SecretReference>& out_;
};

void cluster(const Value& spec, Collector& out) {
  out.secret(spec, "superuserSecret", "spec", {"username", "password"});
  for (const std::string_view method : {"initdb", "recovery", "pg_basebackup"})
    if (const Value* bootstrap = spec.find_path({"bootstrap", method}))
      out.secret(*bootstrap, "secret", fmt::format("spec.bootstrap.{}", method), {"username", "password"});
  for (const Value& role : items_at(spec, {"managed", "roles"}))
    if (text_at(role, {"ensure"}) != "absent")
      out.secret(role, "passwordSecret", fmt::format("spec.managed.roles[name={}]", text_at(role, {"name"})), {"username", "password"},
                 text_at(role, {"name"}));
  out.store(spec.find_path({"backup", "barmanObjectStore"}), "spec.backup.barmanObjectStore");
  for (const Value& external : items_at(spec, {"externalClusters"})) {
    const std::string field = fmt::format("spec.externalClusters[name={}]", text_at(external, {"name"}));
    out.store(external.find("barmanObjectStore"), field + ".barmanObjectStore");
    for (const std::string_view key : {"password", "sslKey", "sslCert", "sslRootCert"}) out.selector(external, key, field);
  }
  if (const Value* certificates = spec.find("certificates"))
    for (const std::string_view key : {"serverCASecret", "serverTLSSecret", "clientCASecret", "replicationTLSSecret"})
      if (const std::string_view name = text_at(*certificates, {key}); !name.empty())
        out.named(name, fmt::format("spec.certificates.{}", key));
}

}  // namespace

std::vector<SecretReference> secret_references(const Value& object) {
  std::vector<SecretReference> out;
  Collector collector(out);
  const Value* spec = object.find("spec");
  if (spec == nullptr) return out;
  const std::string_view kind = text_at(object, {"kind"});
  if (kind == "Cluster") cluster(*spec, collector);
  if (kind == "Pooler" && spec->find("pgbouncer") != nullptr)
    collector.secret(*spec->find("pgbouncer"), "authQuerySecret", "spec.pgbouncer");
  if (kind == "ObjectStore") collector.store(spec->find("configuration"), "spec.configuration");
  return out;
}

}  // namespace dbm::release
