#pragma once

// Which CloudNativePG the server's resource definitions are of, told by the fields they have: the
// definitions carry no version. Needs no right beyond what every user has (system:discovery).

#include <optional>
#include <string>

#include "cnpg/crd_table.h"
#include "kube/client.h"

namespace dbm::release {

struct CnpgApi {
  cnpg::Version version = cnpg::kLatest;
  std::string known_as;  // "HASH=1.29", to be remembered in the ApplySet's parent
};

/// `remembered` is what an earlier run found (ApplySet::cnpg_api): while the server's definitions
/// have the same hash, one small question is enough. An error when CloudNativePG is not there.
Result<CnpgApi> find_cnpg_api(kube::Client& client, const std::string& remembered);

/// The version by the definitions' OpenAPI document (components.schemas). Pure.
std::optional<cnpg::Version> version_of(const yaml::Value& openapi);

}  // namespace dbm::release
