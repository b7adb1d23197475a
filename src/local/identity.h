#pragma once

// Whom the servers run as. PostgreSQL refuses to run as root: started as root, this program becomes
// an unprivileged user, for good, before it touches anything in its folder.

#include <string>

#include "base/result.h"
#include "local/layout.h"

namespace dbm::local {

/// As root: gives the folder, never one that a link leads to, to `user` (default: postgres, else nobody)
/// and becomes it. Otherwise
/// nothing, but an error when `user` is somebody else. Call it once, before there are threads.
/// `makes_folder` false, of commands that only look: does nothing where there is no folder.
Status become_unprivileged(const Layout& layout, const std::string& user, bool makes_folder);

/// The name of the user that this process runs as.
std::string user_name();

}  // namespace dbm::local
