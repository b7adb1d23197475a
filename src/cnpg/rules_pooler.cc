// Pooler and image catalog objects.

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cnpg/judge.h"
#include "cnpg/parameters.h"

namespace dbm::cnpg {

void judge_pooler(Judge& j) {
  if (j.at("spec.pgbouncer") == nullptr)
    return j.error("missing-field", "spec", "a Pooler needs pgbouncer");
  const bool secret = !j.text("spec.pgbouncer.authQuerySecret.name").empty() ||
                      !j.text("spec.pgbouncer.serverTLSSecret.name").empty();
  const bool query = !j.text("spec.pgbouncer.authQuery").empty();
  if (secret != query)
    j.error("missing-field", "spec.pgbouncer",
            secret ? "authQuerySecret and serverTLSSecret need the authQuery"
                   : "authQuery needs authQuerySecret or serverTLSSecret");
  if (const yaml::Value* parameters = j.at("spec.pgbouncer.parameters"))
    for (const yaml::Member& member : parameters->members())
      if (!allows_pgbouncer_parameter(member.key, j.version)) {
        std::string hint = did_you_mean(member.key, pgbouncer_parameters());
        if (hint.empty()) hint = "allowed: " + join_and(pgbouncer_parameters());
        j.error("pgbouncer-parameter", fmt::format("spec.pgbouncer.parameters.{}", member.key),
                fmt::format("CloudNativePG lets no Pooler set \"{}\"", printable(member.key)),
                std::move(hint));
      }
  if (j.text("spec.cluster.name").empty())
    j.error("missing-field", "spec.cluster", "a Pooler needs the name of its Cluster");
  if (j.text("spec.cluster.name") == j.name)
    j.error("bad-name", "metadata.name", "a Pooler cannot have the name of its Cluster");
}

void judge_catalog(Judge& j) {
  std::set<std::string_view> majors;
  const auto images = j.items("spec.images");
  for (size_t i = 0; i < images.size(); ++i)
    if (!majors.insert(Judge::text(images[i], "major")).second)
      j.error("duplicate-item", fmt::format("spec.images[{}].major", i),
              fmt::format("two images have the major version {}",
                          Judge::text(images[i], "major")));
}

}  // namespace dbm::cnpg
