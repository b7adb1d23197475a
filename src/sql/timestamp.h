#pragma once

#include <string>
#include <string_view>

namespace dbm::sql {

/// A time of RFC 3339 as PostgreSQL writes it with TimeZone UTC and DateStyle ISO
/// ("2026-01-31 10:00:00+00"), so that texts can be compared; any other text as it is. Rounds to
/// microseconds by cutting.
std::string utc_text(std::string_view rfc3339);

}  // namespace dbm::sql
