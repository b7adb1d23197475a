#include "cnpg/rules.h"

#include <algorithm>
#include <array>
#include <set>

#include "cnpg/check.h"
#include "cnpg/judge.h"

namespace dbm::cnpg {
namespace {

using Rule = void (*)(Judge&);

struct KindRules {
  std::string_view kind;
  std::string_view spec;  // in the table of types
  std::array<Rule, 6> rules;
};

constexpr KindRules kKinds[] = {
    {"Cluster", "Cluster.spec",
     {judge_bootstrap, judge_postgresql, judge_instances, judge_storage, judge_managed,
      judge_backup}},
    {"Database", "Database.spec", {judge_database}},
    {"Pooler", "Pooler.spec", {judge_pooler}},
    {"ScheduledBackup", "ScheduledBackup.spec", {judge_scheduled_backup}},
    {"ObjectStore", "ObjectStore.spec", {judge_object_store}},
    {"ImageCatalog", "ImageCatalog.spec", {judge_catalog}},
    {"ClusterImageCatalog", "ClusterImageCatalog.spec", {judge_catalog}},
    {"Backup", "Backup.spec", {}},
    {"Publication", "Publication.spec", {}},
    {"Subscription", "Subscription.spec", {}},
};

/// The spec's types, with what must be there now that everything is merged.
void check_types(const Judge& judge, const Type& type, Diagnostics& out) {
  yaml::Arena unused(1);
  CheckContext context{.version = judge.version,
                       .path = fmt::format("{} {}: spec", judge.text("kind"), judge.name),
                       .out = out,
                       .judge_only = true};
  yaml::Value spec = judge.spec;
  check_type(unused, spec, type, context);
}

/// What the rules say of places that the types said nothing of.
Diagnostics only_new(Diagnostics&& rules, const Diagnostics& types) {
  std::set<Pos> places;
  for (const Diagnostic& d : types.items()) places.insert(d.pos);
  return std::move(rules).without(places);
}

}  // namespace

void check_object(const yaml::Value& object, Version version, bool types, Diagnostics& out) {
  Diagnostics by_type, by_rule;
  Judge judge(object, version, by_rule);
  const std::string_view api = judge.text("apiVersion");
  if (!api.starts_with("postgresql.cnpg.io/") && !api.starts_with("barmancloud.cnpg.io/")) return;
  const auto* kind = std::ranges::find(kKinds, judge.text("kind"), &KindRules::kind);
  if (kind == std::end(kKinds)) return;
  if (judge.spec.is_null()) {
    judge.error("missing-field", "", fmt::format("this {} has no spec", kind->kind));
  } else {
    if (types) check_types(judge, *find(kind->spec), by_type);
    for (const Rule rule : kind->rules)
      if (rule != nullptr) rule(judge);
  }
  out.append(by_type.has_errors() ? only_new(std::move(by_rule), by_type) : std::move(by_rule));
  out.append(std::move(by_type));
}

}  // namespace dbm::cnpg
