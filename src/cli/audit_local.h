#pragma once

// Where a cluster of this machine is audited: its socket for the look, its address, its replicas and
// its poolers for the logins.

#include <string>

#include "audit/audit.h"
#include "local/layout.h"
#include "local/passwords.h"
#include "local/state.h"

namespace dbm::cli {

/// The passwords must outlive the result.
audit::Targets local_targets(const local::Layout& layout, const std::string& cluster,
                             const local::ClusterState& state, const local::Passwords& passwords);

}  // namespace dbm::cli
