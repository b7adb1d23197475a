#pragma once

// Kubernetes quantities: "1", "500m", "1.5Gi", "2e3" (k8s.io/apimachinery/pkg/api/resource).

#include <compare>
#include <optional>
#include <string_view>

namespace dbm::cnpg {

/// Comparable; exact up to 64 bits of mantissa.
struct Quantity {
  long double value = 0;
  auto operator<=>(const Quantity&) const = default;
};

std::optional<Quantity> parse_quantity(std::string_view text);

/// A size parameter of PostgreSQL ("256MB", "1 GB") as the operator reads it: a bare number is in
/// MB, every unit ends in B.
std::optional<Quantity> parse_pg_size(std::string_view text);

}  // namespace dbm::cnpg
