#pragma once

// Rules that look at more than one key (docs/values.md). One function a topic, each in a file of
// its own; all of them run, all mistakes are reported.

#include "cnpg/crd_table.h"
#include "spec/values.h"

namespace dbm::spec {

/// Every rule, over the whole file.
void check_values(const Values& values, cnpg::Version version, Diagnostics& out);

struct RuleContext {
  const Values& values;
  cnpg::Version version;
  Diagnostics& out;
};

void check_names(const Cluster& cluster, const RuleContext& context);      // rules_names.cc
void check_catalog_ref(const Cluster& cluster, const RuleContext& context);  // rules_images.cc
void check_backup(const Cluster& cluster, const RuleContext& context);     // rules_backup.cc
void check_recovery(const Cluster& cluster, const RuleContext& context);   // rules_backup.cc
void check_poolers(const Cluster& cluster, const RuleContext& context);    // rules_poolers.cc
void check_isolation(const Cluster& cluster, const RuleContext& context);  // rules_isolation.cc
void check_overrides(const Cluster& cluster, const RuleContext& context);  // rules_overrides.cc
void check_resources(const Cluster& cluster, const RuleContext& context);  // rules_overrides.cc
void check_defaults(const Cluster& cluster, const RuleContext& context);   // rules_overrides.cc

void check_catalogs(const RuleContext& context);      // rules_images.cc
void check_destinations(const RuleContext& context);  // rules_backup.cc
void check_objects(const RuleContext& context);       // rules_names.cc

/// "clusters.main.poolers[0].name".
std::string path_of(const Cluster& cluster, std::string_view rest);

}  // namespace dbm::spec
