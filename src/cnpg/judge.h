#pragma once

// For rules_*.cc: one object under judgement, with short ways to ask it and to say what is wrong.

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cnpg/crd_table.h"
#include "yaml/value.h"

namespace dbm::cnpg {

class Judge {
 public:
  Judge(const yaml::Value& object, Version v, Diagnostics& out);

  const yaml::Value& object;
  const yaml::Value& spec;
  const Version version;
  std::string_view name;

  /// The value at "spec.bootstrap.initdb" (or "metadata.…"); null pointer when it is not there or
  /// null. The second form goes down from a value of the object.
  const yaml::Value* at(std::string_view path) const { return at(object, path); }
  static const yaml::Value* at(const yaml::Value& from, std::string_view path);
  std::string_view text(std::string_view path) const { return text(object, path); }
  static std::string_view text(const yaml::Value& from, std::string_view path);
  int64_t integer(std::string_view path, int64_t otherwise) const;
  bool flag(std::string_view path) const { return flag(object, path); }
  static bool flag(const yaml::Value& from, std::string_view path);
  /// The items of a list; none when it is not there.
  std::span<const yaml::Value> items(std::string_view path) const;

  /// The value of metadata.annotations; empty when it is not there.
  std::string_view annotation(std::string_view key) const;

  /// A mistake at `path`; its place is that of the nearest value above that has one.
  void error(std::string_view code, std::string path, std::string message, std::string hint = {});

 private:
  Pos place(std::string_view path) const;
  Diagnostics& out_;
};

// One function a topic; the file of each is named after it.
void judge_bootstrap(Judge& judge);    // spec.bootstrap
void judge_postgresql(Judge& judge);   // spec.postgresql
void judge_instances(Judge& judge);    // replicas, images, resources, affinity, replica mode
void judge_storage(Judge& judge);      // volumes and tablespaces
void judge_managed(Judge& judge);      // roles and services
void judge_backup(Judge& judge);       // spec.backup, externalClusters, plugins
void judge_scheduled_backup(Judge& judge);
void judge_object_store(Judge& judge);
void judge_database(Judge& judge);
void judge_pooler(Judge& judge);
void judge_catalog(Judge& judge);

/// Major version of PostgreSQL that the Cluster runs; 0 when it cannot be told.
int major_version(const Judge& judge);
/// True when the Cluster follows another one.
bool is_replica(const Judge& judge);
/// PostgreSQL's booleans: on, off, true, y, 1, … (config-setting.html).
std::optional<bool> parse_pg_boolean(std::string_view text);

}  // namespace dbm::cnpg
