#include "spec/wal_sizes.h"

#include "cnpg/quantity.h"
#include "spec/volumes.h"

namespace dbm::spec {
namespace {

using cnpg::Quantity;

/// A parameter as the keys that are merged over minWalSize and maxWalSize set it; else `own`.
Text effective(const Cluster& c, std::string_view name, Text own) {
  if (const Tree* v = c.additional_cluster_spec.find_path({"postgresql", "parameters", name}))
    return v->text();
  if (const Tree* v = c.postgresql.find_path({"parameters", name})) return v->text();
  for (const auto& entry : c.parameters)
    if (entry.key == name) return entry.value;
  return own;
}

std::optional<Quantity> wal_volume(const Cluster& c) {
  if (const Tree* size = c.additional_cluster_spec.find_path({"walStorage", "size"}))
    return cnpg::parse_quantity(size->text());
  return c.wal_storage.enabled ? cnpg::parse_quantity(volume_size(c.wal_storage)) : std::nullopt;
}

bool fits(Text size, const std::optional<Quantity>& below) {
  const auto parsed = cnpg::parse_pg_size(size);
  return !parsed || !below || *parsed < *below;
}

}  // namespace

WalSizes wal_sizes(const Cluster& c) {
  WalSizes sizes{c.min_wal_size, c.max_wal_size};
  const auto volume = wal_volume(c);
  if (!c.has("maxWalSize") && !fits(sizes.max, volume)) sizes.max = {};
  const Text most = effective(c, "max_wal_size", sizes.max.data() != nullptr ? sizes.max : "1GB");
  if (!c.has("minWalSize") && (!fits(sizes.min, volume) || !fits(sizes.min, cnpg::parse_pg_size(most))))
    sizes.min = {};
  return sizes;
}

}  // namespace dbm::spec
