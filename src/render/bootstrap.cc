// spec.bootstrap and spec.externalClusters of a Cluster.

#include "render/kinds.h"

namespace dbm::render {
namespace {

Map recovery_target(yaml::Arena& arena, const spec::RecoveryTarget& t) {
  Map out(arena, 8);
  out.set("backupID", t.backup_id, t.pos("backupID"))
      .set("targetTime", t.target_time, t.pos("targetTime"))
      .set("targetXID", t.target_xid, t.pos("targetXID"))
      .set("targetName", t.target_name, t.pos("targetName"))
      .set("targetLSN", t.target_lsn, t.pos("targetLSN"))
      .set("targetImmediate", t.target_immediate, t.pos("targetImmediate"))
      .set("exclusive", t.exclusive, t.pos("exclusive"));
  return out;
}

Map recovery(yaml::Arena& arena, const spec::Recovery& r) {
  Map out(arena, 6);
  out.set("source", r.source, r.pos("source"));
  if (r.backup) out.map("backup", 1).set("name", r.backup->name, r.backup->pos("name"));
  out.set("database", r.database, r.pos("database"))
      .set("owner", r.owner, r.pos("owner"))
      .set("secret", r.secret);
  if (r.recovery_target) out.set("recoveryTarget", recovery_target(arena, *r.recovery_target));
  return out;
}

}  // namespace

void add_bootstrap(Map& spec, const spec::Cluster& cluster) {
  yaml::Arena& arena = spec.arena();
  Map bootstrap = spec.map("bootstrap", 1);
  if (cluster.recovery.enabled) {
    bootstrap.set("recovery", recovery(arena, cluster.recovery));
  } else {
    Map initdb(arena, 4);
    initdb.set("database", "postgres").set("owner", "postgres");
    bootstrap.set("initdb", cluster.initdb.is_null()
                                ? initdb.value()
                                : yaml::merge(arena, initdb.value(), cluster.initdb));
  }
  spec.set("externalClusters", cluster.external_clusters);
}

}  // namespace dbm::render
