#pragma once

#include <filesystem>
#include <vector>

namespace dbm::local {

/// The paths of all that is in a folder, sorted; those that could be read of one that cannot be read to
/// its end, none of one that is not there. For looking around: what must be complete is looked up by name.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

}  // namespace dbm::local
