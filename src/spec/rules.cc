#include "spec/rules.h"

#include <fmt/format.h>

namespace dbm::spec {

std::string path_of(const Cluster& cluster, std::string_view rest) {
  return fmt::format("clusters.{}.{}", cluster.name, rest);
}

void check_values(const Values& values, cnpg::Version version, Diagnostics& out) {
  constexpr void (*kClusterRules[])(const Cluster&, const RuleContext&) = {
      check_names,   check_catalog_ref, check_backup,    check_recovery,
      check_poolers, check_isolation,   check_overrides, check_resources,
      check_defaults};
  const RuleContext context{values, version, out};
  for (const auto& entry : values.clusters) {
    if (!entry.value.enabled) continue;
    for (const auto rule : kClusterRules) rule(entry.value, context);
  }
  check_catalogs(context);
  check_destinations(context);
  check_objects(context);
}

}  // namespace dbm::spec
