#include "spec/rules.h"

#include <fmt/format.h>

#include "base/parallel.h"

namespace dbm::spec {

std::string path_of(const Cluster& cluster, std::string_view rest) {
  return fmt::format("clusters.{}.{}", cluster.name, rest);
}

void check_values(const Values& values, cnpg::Version version, Diagnostics& out) {
  constexpr void (*kClusterRules[])(const Cluster&, const RuleContext&) = {
      check_names,   check_catalog_ref, check_backup,    check_recovery,
      check_poolers, check_isolation,   check_overrides, check_resources,
      check_defaults};
  const size_t count = values.clusters.size();
  ordered_parallel(
      count, worker_count(count),
      [&](size_t i) {
        Diagnostics found;
        const Cluster& cluster = values.clusters[i].value;
        if (cluster.enabled)
          for (const auto rule : kClusterRules) rule(cluster, {values, version, found});
        return found;
      },
      [&](Diagnostics&& found) { out.append(std::move(found)); });
  const RuleContext context{values, version, out};
  check_catalogs(context);
  check_destinations(context);
  check_objects(context);
}

}  // namespace dbm::spec
