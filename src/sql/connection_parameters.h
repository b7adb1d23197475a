#pragma once

// What libpq is told of a Target. Pure functions, any thread.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/connection.h"

namespace dbm::sql {

/// True when all that is connected to is this machine: loopback addresses, "localhost", Unix sockets.
bool is_this_machine(const Target& target);

/// The sslmode that counts: the target's own, else prefer for this machine and verify-full for any other.
std::string_view effective_ssl_mode(const Target& target);

/// Names and values, without empty ones and without the password. `libpq_version` is PQlibVersion's:
/// require_auth is left out before 16.
std::vector<std::pair<const char*, std::string>> connection_parameters(const Target& target, int libpq_version);

}  // namespace dbm::sql
