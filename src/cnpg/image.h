#pragma once

// What CloudNativePG reads out of an image's name (pkg/postgres, the webhook's image checks).

#include <string_view>

namespace dbm::cnpg {

/// The tag of an image's name; null data when it has a digest and no tag, "latest" when neither.
std::string_view image_tag(std::string_view image);
/// The number that a tag begins with, PostgreSQL's major version; 0 when it does not.
int tag_major(std::string_view tag);

/// Of the operator's default image.
inline constexpr int kDefaultMajor = 18;

}  // namespace dbm::cnpg
