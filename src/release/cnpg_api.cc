#include "release/cnpg_api.h"

#include <algorithm>

#include <fmt/format.h>

#include "kube/json.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using cnpg::Version;

constexpr std::string_view kGroup = "apis/postgresql.cnpg.io/v1";
/// A server that has just started serves resources a moment before its OpenAPI knows them.
constexpr int kLooks = 30;
constexpr std::chrono::milliseconds kBetweenLooks{500};

/// A field that came with a version.
struct Marker {
  Version since;
  std::string_view kind;
  std::initializer_list<std::string_view> path;  // within spec
};

const Marker kMarkers[] = {
    {Version::k1_30, "Pooler", {"monitoring", "tls"}},
    {Version::k1_29, "Cluster", {"podSelectorRefs"}},
    {Version::k1_28, "Database", {"servers"}},
    {Version::k1_27, "Cluster", {"postgresql", "extensions"}},
    {Version::k1_26, "Database", {"extensions"}},
    {Version::k1_25, "Cluster", {"instances"}},
};

const yaml::Value* schema_of(const yaml::Value& openapi, std::string_view kind) {
  const std::string ending = fmt::format(".v1.{}", kind);
  for (const yaml::Member& schema : members_at(openapi, {"components", "schemas"}))
    if (schema.key.ends_with(ending)) return &schema.value;
  return nullptr;
}

bool has(const yaml::Value& openapi, const Marker& marker) {
  const yaml::Value* at = schema_of(openapi, marker.kind);
  if (at != nullptr) at = at->find_path({"properties", "spec"});
  for (const std::string_view key : marker.path)
    if (at != nullptr) at = at->find_path({"properties", key});
  return at != nullptr;
}

/// Nothing: the server's OpenAPI does not have it.
Result<std::optional<CnpgApi>> look_at_openapi(kube::Client& client, const std::string& remembered) {
  kube::Answer index = client.ask({.path = "/openapi/v3"});
  if (!index.ok()) return index.error().error("cannot ask what the server has");
  yaml::Arena arena;
  const auto read = kube::read_json(arena, index.body());
  if (!read) return Error(read.error()).about("/openapi/v3");
  const std::string_view url = text_at(*read, {"paths", kGroup, "serverRelativeURL"});
  if (url.empty()) return std::optional<CnpgApi>();
  const std::string hash(url.substr(url.find("hash=") == url.npos ? 0 : url.find("hash=") + 5));
  if (remembered.starts_with(hash + "="))
    if (const auto version = cnpg::parse_version(remembered.substr(hash.size() + 1))) return std::optional(CnpgApi{*version, remembered});
  // Without the hash: where the definitions have changed meanwhile, the old one's would be a redirect.
  kube::Answer document = client.ask({.path = std::string(url.substr(0, url.find('?')))});
  if (!document.ok()) return document.error().error("cannot read CloudNativePG's definitions");
  const auto openapi = kube::read_json(arena, document.body());
  if (!openapi) return Error(openapi.error()).about(kGroup);
  const auto version = version_of(*openapi);
  if (!version) return std::optional<CnpgApi>();
  return std::optional(CnpgApi{*version, fmt::format("{}={}", hash, cnpg::to_string(*version))});
}

}  // namespace

std::optional<Version> version_of(const yaml::Value& openapi) {
  const auto* found = std::ranges::find_if(kMarkers, [&](const Marker& marker) { return has(openapi, marker); });
  return found != std::end(kMarkers) ? std::optional(found->since) : std::nullopt;
}

Result<CnpgApi> find_cnpg_api(kube::Client& client, const std::string& remembered) {
  for (int look = 1; look <= kLooks; ++look) {
    auto found = look_at_openapi(client, remembered);
    if (!found) return std::move(found).error();
    if (*found) return std::move(**found);
    // While a server starts, what it does not serve yet is unavailable (503); 404 is meant.
    if (!client.ask({.path = "/" + std::string(kGroup)}).ok()) break;
    client.pause(kBetweenLooks);
  }
  return Error{"CloudNativePG's resource definitions are not on this cluster",
               "install the operator first (cloudnative-pg.io); --context says which cluster is meant"};
}

}  // namespace dbm::release
