// additionalClusterSpec over the file's own keys, and resources.

#include <fmt/format.h>

#include "cnpg/quantity.h"
#include "spec/rules.h"
#include "spec/wal_sizes.h"

namespace dbm::spec {
namespace {

/// The README's table "Avoid Overriding Chart-Managed Fields": the field, and the key instead.
struct Override {
  std::string_view field, key;
  const Tree* (*find)(const Tree& additional);
};

const Override kOverrides[] = {
    {"instances", "instances", [](const Tree& t) { return t.find("instances"); }},
    {"imageName", "imageName", [](const Tree& t) { return t.find("imageName"); }},
    {"imageCatalogRef", "imageCatalogRef", [](const Tree& t) { return t.find("imageCatalogRef"); }},
    {"storage", "storage", [](const Tree& t) { return t.find("storage"); }},
    {"walStorage", "walStorage", [](const Tree& t) { return t.find("walStorage"); }},
    {"resources", "resources", [](const Tree& t) { return t.find("resources"); }},
    {"postgresql.parameters", "parameters",
     [](const Tree& t) { return t.find_path({"postgresql", "parameters"}); }},
    {"backup", "backup", [](const Tree& t) { return t.find("backup"); }},
    {"bootstrap.initdb", "initdb",
     [](const Tree& t) { return t.find_path({"bootstrap", "initdb"}); }},
    {"monitoring", "monitoring", [](const Tree& t) { return t.find("monitoring"); }},
    {"externalClusters", "externalClusters",
     [](const Tree& t) { return t.find("externalClusters"); }},
};

/// Whether the file sets by its own key what the override sets too.
bool set_by_own_key(const Cluster& c, const Override& o) {
  if (o.field == "postgresql.parameters") {
    const Tree* parameters = c.additional_cluster_spec.find_path({"postgresql", "parameters"});
    for (const yaml::Member& m : parameters->members()) {
      if (c.postgresql.find_path({"parameters", m.key}) != nullptr) return true;
      for (const auto& entry : c.parameters)
        if (entry.key == m.key) return true;
    }
    return false;
  }
  return c.has(o.key);
}

}  // namespace

void check_overrides(const Cluster& c, const RuleContext& context) {
  for (const Override& o : kOverrides) {
    const Tree* found = o.find(c.additional_cluster_spec);
    if (found == nullptr || found->is_null() || !set_by_own_key(c, o)) continue;
    Diagnostic& d = context.out.warning(
        "override", found->pos(), path_of(c, fmt::format("additionalClusterSpec.{}", o.field)),
        fmt::format("{} is set here and by its own key; this one wins", o.field),
        fmt::format("use clusters.{}.{} alone", c.name, o.key));
    d.related = c.pos(o.key);
    d.related_message = "the file's own key";
  }
}

void check_resources(const Cluster& c, const RuleContext& context) {
  const Tree* requests = c.resources.find("requests");
  const Tree* limits = c.resources.find("limits");
  if (requests == nullptr || limits == nullptr) return;
  for (const yaml::Member& request : requests->members()) {
    const Tree* limit = limits->find(request.key);
    if (limit == nullptr) continue;
    const auto wanted = cnpg::parse_quantity(request.value.text());
    const auto most = cnpg::parse_quantity(limit->text());
    if (!wanted || !most || !(*most < *wanted)) continue;
    Diagnostic& d = context.out.error(
        "request-over-limit", request.value.pos(),
        path_of(c, fmt::format("resources.requests.{}", request.key)),
        fmt::format("the request {} is over the limit {}", request.value.text(), limit->text()));
    d.related = limit->pos();
    d.related_message = "the limit";
  }
}

void check_defaults(const Cluster& c, const RuleContext& context) {
  const WalSizes sizes = wal_sizes(c);
  const auto warn = [&](std::string_view key, Text size, std::string_view otherwise) {
    context.out.warning("default-dropped", c.wal_storage.at.is_null() ? c.name_pos : c.wal_storage.pos("size"),
                        path_of(c, key),
                        fmt::format("the default {} {} does not fit here: it is left to PostgreSQL "
                                    "({})", key, size, otherwise),
                        fmt::format("set {}, or make the WAL volume larger", key));
  };
  if (sizes.min.data() == nullptr) warn("minWalSize", c.min_wal_size, "80MB");
  if (sizes.max.data() == nullptr) warn("maxWalSize", c.max_wal_size, "1GB");
}

}  // namespace dbm::spec
