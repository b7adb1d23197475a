#include "values/check.h"

#include <set>

#include <fmt/format.h>

#include "base/parallel.h"
#include "base/text.h"
#include "cnpg/rules.h"
#include "spec/load.h"
#include "spec/names.h"

namespace dbm::values {
namespace {

/// `podAntiAffinity` under additionalClusterSpec.affinity is what the chart's README shows, but no CRD has it: it is
/// read as additionalPodAntiAffinity, with a warning.
void correct_pod_anti_affinity(Checked& checked) {
  const yaml::Value* clusters = checked.tree.find("clusters");
  if (clusters == nullptr) return;
  for (const yaml::Member& member : clusters->members()) {
    const yaml::Value* affinity = member.value.find_path({"additionalClusterSpec", "affinity"});
    const yaml::Member* wrong = affinity != nullptr ? affinity->find_member("podAntiAffinity") : nullptr;
    if (wrong == nullptr || affinity->find("additionalPodAntiAffinity") != nullptr) continue;
    checked.diagnostics.warning("pod-anti-affinity", wrong->key_pos,
                                fmt::format("clusters.{}.additionalClusterSpec.affinity", printable(member.key)),
                                "CloudNativePG has no podAntiAffinity here: it is taken as additionalPodAntiAffinity",
                                "write additionalPodAntiAffinity");
    yaml::Value corrected = *affinity;
    const yaml::Member copy = *wrong;
    corrected.erase("podAntiAffinity");
    corrected.append(checked.arena, "additionalPodAntiAffinity", copy.value, copy.key_pos);
  }
}

/// The diagnostics of places without an error so far: one mistake is reported once.
Diagnostics only_new(const Diagnostics& known, Diagnostics&& found) {
  std::set<Pos> places;
  for (const Diagnostic& d : known.items())
    if (d.severity == Severity::kError && d.pos) places.insert(d.pos);
  return std::move(found).without(places);
}

/// What the operator's webhooks would say of the objects.
void check_objects(Checked& checked) {
  const bool sound = !checked.diagnostics.has_errors();
  Diagnostics all;
  render::Options options = checked.options;
  options.judged_only = true;
  const auto units = render::units(checked.values, checked.clusters, options);
  const render::PasswordOf none = [](const spec::Cluster&, size_t) { return std::string_view(); };
  ordered_parallel(
      units.size(), worker_count(units.size()),
      [&](size_t i) {
        Diagnostics found;
        render::render(checked.values, units[i], options, none, [&](const render::Object& object) {
          cnpg::check_object(object.value, options.version, sound, found);
        });
        return found;
      },
      [&](Diagnostics&& found) { all.append(std::move(found)); });
  checked.diagnostics.append(only_new(checked.diagnostics, std::move(all)));
}

void check_options(Checked& checked, const CheckOptions& options) {
  checked.options = options.render;
  if (!options.cnpg_version.empty()) {
    const auto version = cnpg::parse_version(options.cnpg_version);
    if (version)
      checked.options.version = *version;
    else
      checked.diagnostics.error("usage", {}, {},
                                fmt::format("--cnpg-version {} is not known", printable(options.cnpg_version)),
                                "1.25, 1.26, 1.27, 1.28, 1.29 or 1.30");
  }
  if (!spec::is_dns_label(checked.options.ns))
    checked.diagnostics.error("bad-name", {}, {},
                              fmt::format("\"{}\" is no legal namespace", printable(checked.options.ns)),
                              "up to 63 lower-case letters, digits and -");
  if (!spec::is_dns_label(checked.options.release, 53))
    checked.diagnostics.error("bad-name", {}, {},
                              fmt::format("\"{}\" is no legal release name", printable(checked.options.release)),
                              "up to 53 lower-case letters, digits and -");
}

}  // namespace

void check(Checked& checked, const CheckOptions& options, std::string applyset) {
  check_options(checked, options);
  checked.options.applyset = std::move(applyset);
  correct_pod_anti_affinity(checked);
  checked.values =
      spec::load(checked.arena, checked.tree, checked.diagnostics, {checked.options.version, options.lenient});
  checked.clusters = render::plan_clusters(checked.values);
  check_objects(checked);
  if (options.strict) checked.diagnostics.promote_warnings();
}

}  // namespace dbm::values
