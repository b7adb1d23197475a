// Database objects.

#include "render/kinds.h"
#include "spec/keys.h"
#include "spec/names.h"

namespace dbm::render {
namespace {

Map extensions(yaml::Arena& arena, const spec::Extension& e) {
  Map out(arena);
  out.set("name", e.name, e.pos("name"))
      .set("version", e.version, e.pos("version"))
      .set("schema", e.schema, e.pos("schema"));
  return out;
}

/// The limit of the database itself, else of its limits, else of the cluster's defaults.
std::optional<int64_t> connection_limit(const spec::Cluster& c, const spec::Database& db) {
  if (db.connection_limit) return db.connection_limit;
  if (db.limits && db.limits->connections) return db.limits->connections;
  if (c.defaults.limits) return c.defaults.limits->connections;
  return std::nullopt;
}

yaml::Value database_spec(yaml::Arena& arena, const spec::Cluster& c, const spec::Database& db) {
  Map spec(arena, 8);
  spec.map("cluster", 1).set("name", c.name);
  spec.set("name", db.name, db.pos("name"))
      .set("owner", db.owner, db.pos("owner"))
      .set("ensure", db.ensure, db.pos("ensure"))
      .set("encoding", db.encoding, db.pos("encoding"))
      .set("locale", db.locale, db.pos("locale"))
      .set("connectionLimit", connection_limit(c, db), db.pos("connectionLimit"))
      .set("databaseReclaimPolicy", db.reclaim_policy, db.pos("reclaimPolicy"))
      .set("schemas", db.schemas);
  if (!db.extensions.empty()) {
    List list(arena, db.extensions.size());
    for (const spec::Extension& e : db.extensions) list.add(extensions(arena, e));
    spec.set("extensions", list.value().at(db.pos("extensions")));
  }
  if (db.additional_database_spec.is_null()) return spec.value();
  return yaml::merge(arena, spec.value(), db.additional_database_spec);
}

bool passes_through(const spec::Database& db) {
  return !db.additional_database_spec.is_null() || !db.schemas.is_null() || !db.extensions.empty();
}

}  // namespace

void render_databases(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const spec::Cluster& c = *plan.cluster;
    for (const spec::Database& db : c.databases) {
      if (context.options.judged_only && !passes_through(db)) continue;
      Map object = context.object(kCnpgApi, "Database", spec::database_object_name(c.name, db.name),
                                  context.options.ns, {.cluster = c.name, .database = db.name},
                                  db.pos("name"));
      object.set("spec", database_spec(context.arena, c, db));
      context.emit(object);
    }
  }
}

}  // namespace dbm::render
