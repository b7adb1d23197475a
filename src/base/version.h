#pragma once

#include <string_view>

namespace dbm {

/// Of this program; CMake's project version.
inline constexpr std::string_view kVersion = DBM_VERSION;

}  // namespace dbm
