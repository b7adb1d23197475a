#pragma once

// Live Secrets with passwords: a role's own, and the connection Secrets that carry it. Pure.

#include <string>

#include "release/live.h"
#include "secrets/secret.h"

namespace dbm::release {

/// A Secret of user name and password, whosever it is.
bool is_password_secret(const LiveObject& object);
/// A member that is a role's password Secret, or a way into a database.
bool is_role_password(const LiveObject& object);
bool is_connection(const LiveObject& object);

/// True when applying wrote the password: it is derived. One that was made once is created, and
/// never applied.
bool applies_password(const yaml::Value& secret);

/// One key of a Secret's data, decoded; empty when it is not there or no base64.
std::string decoded(const yaml::Value& secret, std::string_view key);
secrets::Secret decoded_secret(const yaml::Value& secret, std::string_view key);

/// What to apply so that the connection Secret `live` carries `password`: the fields that are ours,
/// all keys made anew for the hosts that it names, on condition that nobody has changed it since.
/// Keys that it does not have are not added.
yaml::Value connection_with(yaml::Arena& arena, const LiveObject& live, const Release& release, std::string_view password);

}  // namespace dbm::release
