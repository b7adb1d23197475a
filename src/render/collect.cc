#include "render/collect.h"

namespace dbm::render {

std::vector<yaml::Value> collect(yaml::Arena& arena, const spec::Values& values,
                                 const ClusterPlan& plan, const Options& options,
                                 std::string_view kind) {
  const PasswordOf no_password = [](const spec::Cluster&, size_t) { return std::string_view(); };
  std::vector<yaml::Value> out;
  for (const Unit& unit : units(values, {&plan, 1}, options))
    if (unit.kind == kind && unit.extra == nullptr)
      render(values, unit, options, no_password,
             [&](const Object& object) { out.push_back(yaml::copy(arena, object.value)); });
  return out;
}

}  // namespace dbm::render
