#pragma once

// Names that CloudNativePG keeps for itself or lets users set.

#include <span>
#include <string_view>

#include "cnpg/crd_table.h"

namespace dbm::cnpg {

/// Why users may not set this PostgreSQL parameter (what to use instead); empty: they may.
/// Source: the operator's pkg/postgres/configuration.go.
std::string_view fixed_parameter(std::string_view name);
/// The value that the operator gives to such a parameter, which users may repeat; empty: none.
std::string_view mandatory_value(std::string_view name);

/// The PgBouncer parameters that a Pooler may set (the operator's webhook for Pooler).
std::span<const std::string_view> pgbouncer_parameters();
/// True when that version of the operator allows it.
bool allows_pgbouncer_parameter(std::string_view name, Version version);

/// postgres, streaming_replica, pg_… and cnpg_….
bool is_reserved_role(std::string_view name);

}  // namespace dbm::cnpg
