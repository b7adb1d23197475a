#include "release/expected.h"

#include "release/tree.h"

namespace dbm::release {
namespace {

/// True when anything comes of it.
bool makes_objects(const Source& source, const render::Unit& unit) {
  if (unit.kind == "Secret") return true;
  bool any = false;
  render::render(*source.values, unit, source.options, [](const spec::Cluster&, size_t) { return std::string_view(); },
                 [&any](const render::Object&) { any = true; });
  return any;
}

/// The group kind of what we render ourselves.
std::string group_kind_of(std::string_view kind) {
  for (const std::string_view group : {"", ".postgresql.cnpg.io", ".monitoring.coreos.com", ".external-secrets.io", ".barmancloud.cnpg.io"})
    if (std::string out = std::string(kind).append(group); kube::well_known_group_kind(out)) return out;
  return {};
}

}  // namespace

ApplySet expected(const Source& source, kube::Kinds& kinds) {
  ApplySet out;
  for (const render::Unit& unit : render::units(*source.values, source.clusters, source.options)) {
    if (unit.extra == nullptr) {
      std::string group_kind = group_kind_of(unit.kind);
      if (group_kind.empty() || out.group_kinds.contains(group_kind)) continue;
      if (makes_objects(source, unit)) out.group_kinds.insert(std::move(group_kind));
      continue;
    }
    if (const kube::Resource* resource = kinds.find(text_at(*unit.extra, {"apiVersion"}), text_at(*unit.extra, {"kind"})))
      out.group_kinds.insert(resource->group_kind());
    if (const std::string_view ns = text_at(*unit.extra, {"metadata", "namespace"}); !ns.empty() && ns != source.options.ns)
      out.namespaces.emplace(ns);
  }
  for (const auto& plan : source.clusters)
    for (const spec::Database& db : plan.cluster->databases)
      if (!db.target_namespace.empty() && db.target_namespace != source.options.ns) out.namespaces.emplace(db.target_namespace);
  return out;
}

}  // namespace dbm::release
