#pragma once

// Points in time as CloudNativePG's fields spell them.

#include <string_view>

namespace dbm::cnpg {

/// yyyy-mm-ddThh:mm:ss[.fraction](Z|±hh:mm): RFC 3339, what validUntil needs.
bool is_rfc3339(std::string_view text);

/// What a recovery target may say besides: PostgreSQL's own spelling ("2026-01-31 10:00:00+00",
/// "2026-01-31 10:00:00.123456"), with or without a zone.
bool is_target_time(std::string_view text);

}  // namespace dbm::cnpg
