#pragma once

// pg_hba.conf and pg_ident.conf of a local server, in CloudNativePG's order: its fixed lines, the
// Cluster's (the user's, then isolation's), and what it ends with. Pure.

#include <string>
#include <string_view>

#include "yaml/value.h"

namespace dbm::local {

/// `spec` is Cluster.spec. Administration is by the private socket, as the user that runs the server.
std::string hba_text(const yaml::Value& spec);
std::string ident_text(const yaml::Value& spec, std::string_view user);

}  // namespace dbm::local
