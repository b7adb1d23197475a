#include "render/context.h"

#include "spec/names.h"
#include "yaml/writer.h"

namespace dbm::render {

using yaml::Value;

Context::Context(const spec::Values& v, const Unit& unit, const Options& o, const PasswordOf& p,
                 const Sink& sink)
    : values(v), clusters(unit.clusters), options(o), password(p), sink_(sink),
      common_labels_(own_, 4), ns_(yaml::prepared_string(o.ns)) {
  const std::string_view app = v.name_override.empty() ? "cnpg-database-manager" : v.name_override;
  common_labels_.set("app.kubernetes.io/name", yaml::prepared_string(app))
      .set("app.kubernetes.io/instance", yaml::prepared_string(o.release))
      .set("app.kubernetes.io/managed-by", Value::plain("cnpg-dbm"))
      .set("applyset.kubernetes.io/part-of", Value::plain(o.applyset));
}

Map Context::object(std::string_view api_version, std::string_view kind, std::string_view name,
                    std::string_view ns, const About& about, Pos pos) {
  Map object(arena, 6);
  object.set("apiVersion", Value::plain(api_version)).set("kind", Value::plain(kind));
  Map metadata = object.map("metadata", 4);
  metadata.copy("name", name, pos);
  if (ns == options.ns)
    metadata.set("namespace", ns_);
  else if (!ns.empty())
    metadata.set("namespace", ns);

  Map labels(arena, Value::map(arena, {}, common_labels_.value().members(), /*more=*/4));
  metadata.set("labels", labels);
  if (!about.cluster.empty()) labels.set("cnpg.io/cluster", about.cluster);
  if (!about.database.empty() && spec::is_label_value(about.database))
    labels.set("cnpg.io/database", about.database);
  if (!about.pooler.empty()) labels.set("cnpg.io/pooler", about.pooler);
  Value label_map = labels.value();
  if (about.labels != nullptr)
    for (const auto& [key, place, text] : *about.labels)
      label_map.set(arena, key, Value::string(text, place), place);

  const bool database_as_annotation =
      !about.database.empty() && !spec::is_label_value(about.database);
  if (database_as_annotation || (about.annotations != nullptr && !about.annotations->empty())) {
    Map annotations = metadata.map("annotations");
    if (database_as_annotation) annotations.set("cnpg.io/database", about.database);
    if (about.annotations != nullptr)
      for (const auto& [key, place, text] : *about.annotations) annotations.set(key, text, place);
  }
  return object;
}

void Context::emit(const Map& object) {
  const Value& value = object.value();
  const Value* ns = value.find_path({"metadata", "namespace"});
  sink_({value.find("kind")->text(), value.find_path({"metadata", "name"})->text(),
         ns != nullptr ? ns->text() : std::string_view(), value});
  arena.reset();
}

void Context::emit_foreign(const Value& object, std::string_view default_ns) {
  const Value* ns = object.find_path({"metadata", "namespace"});
  sink_({object.find("kind")->text(), object.find_path({"metadata", "name"})->text(),
         ns != nullptr ? ns->text() : default_ns, object});
}

}  // namespace dbm::render
