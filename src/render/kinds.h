#pragma once

// One function per kind of object: writes all objects of that kind to the context's sink.
// To add a kind: a function here, a file for it, a row in render.cc.

#include "render/context.h"

namespace dbm::render {

void render_secrets(Context& context);            // secrets.cc
void render_clusters(Context& context);           // cluster.cc
void render_databases(Context& context);          // database.cc
void render_external_secrets(Context& context);   // external_secret.cc
void render_image_catalogs(Context& context);     // image_catalog.cc
void render_cluster_image_catalogs(Context& context);
void render_object_stores(Context& context);      // backup.cc
void render_pod_monitors(Context& context);       // monitoring.cc
void render_poolers(Context& context);            // pooler.cc
void render_prometheus_rules(Context& context);   // monitoring.cc
void render_scheduled_backups(Context& context);  // backup.cc

// Parts of the Cluster object, each in a file of its name.
/// spec.backup and spec.plugins.
void add_backup(Map& spec, const spec::Cluster& cluster);
/// spec.bootstrap and spec.externalClusters.
void add_bootstrap(Map& spec, const spec::Cluster& cluster);
/// spec.managed.roles; of what is judged, those that the file says something about.
void add_managed_roles(Map& spec, const ClusterPlan& plan, bool judged_only);
/// The user's pg_hba lines, `before`, and after them ours; without ours when isolation is off, or
/// when only what is not ours is judged.
yaml::Value hba_lines(Context& context, const ClusterPlan& plan,
                      std::initializer_list<const yaml::Value*> before, bool superuser,
                      bool for_pgbouncer);

}  // namespace dbm::render
