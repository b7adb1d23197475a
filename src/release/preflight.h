#pragma once

// What would stop an apply half-way, found before anything is written: kinds and webhooks that are
// not there, namespaces, rights, quotas, Secrets that the objects refer to.
// Asks the server, changes nothing.

#include <vector>

#include "release/write.h"

namespace dbm::release {

/// Tries the plan's writes by dry run (of very many alike, some) and looks for what they need. Every
/// problem found is an Error; forbidden ones say so.
std::vector<Failure> preflight(kube::Client& client, const Release& release, const Plan& plan, const Wanted& wanted,
                               bool force_conflicts);

}  // namespace dbm::release
