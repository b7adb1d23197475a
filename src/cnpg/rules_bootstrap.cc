// How a Cluster begins: initdb, recovery, pg_basebackup.

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "cnpg/judge.h"
#include "cnpg/timestamp.h"

namespace dbm::cnpg {
namespace {

constexpr std::string_view kMethods[] = {"initdb", "recovery", "pg_basebackup"};

void one_method(Judge& j) {
  const auto given = std::ranges::count_if(kMethods, [&](std::string_view method) {
    return j.at(fmt::format("spec.bootstrap.{}", method)) != nullptr;
  });
  if (given > 1)
    j.error("two-bootstraps", "spec.bootstrap",
            "a Cluster begins in one way only: initdb, recovery or pg_basebackup",
            "leave one of them; null takes away the one that would be made for you");
}

/// The application's database and its owner come together.
void database_and_owner(Judge& j) {
  for (const std::string_view method : kMethods) {
    const std::string path = fmt::format("spec.bootstrap.{}", method);
    const bool database = !j.text(path + ".database").empty();
    const bool owner = !j.text(path + ".owner").empty();
    if (database != owner)
      j.error("missing-field", path,
              fmt::format("{} names the database's {} only", method, owner ? "owner" : "name"),
              "give both database and owner, or neither");
  }
}

void sql_refs(Judge& j, const std::string& path) {
  for (const std::string_view list : {"secretRefs", "configMapRefs"}) {
    const std::string at = fmt::format("{}.postInitApplicationSQLRefs.{}", path, list);
    const auto items = j.items(at);
    for (size_t i = 0; i < items.size(); ++i)
      if (Judge::text(items[i], "name").empty() || Judge::text(items[i], "key").empty())
        j.error("missing-field", fmt::format("{}[{}]", at, i),
                "a reference to SQL needs both name and key");
  }
}

void import_microservice(Judge& j, const std::string& path) {
  const auto databases = j.items(path + ".databases");
  if (databases.size() != 1)
    j.error("bad-import", path + ".databases",
            fmt::format("an import of type microservice takes one database, not {}",
                        databases.size()), "use type monolith for several");
  else if (databases[0].text().find('*') != std::string_view::npos)
    j.error("bad-import", path + ".databases[0]",
            "an import of type microservice takes no wildcard");
  if (!j.items(path + ".roles").empty())
    j.error("bad-import", path + ".roles", "an import of type microservice takes no roles");
}

void import_monolith(Judge& j, const std::string& path) {
  const auto has_wildcard = [](std::span<const yaml::Value> items) {
    return std::ranges::any_of(items, [](const yaml::Value& v) { return v.text() == "*"; });
  };
  const auto databases = j.items(path + ".databases");
  if (databases.empty())
    j.error("bad-import", path + ".databases",
            "an import of type monolith needs at least one database", "\"*\" stands for all");
  for (const std::string_view list : {"databases", "roles"}) {
    const auto items = j.items(fmt::format("{}.{}", path, list));
    if (items.size() > 1 && has_wildcard(items))
      j.error("bad-import", fmt::format("{}.{}", path, list),
              fmt::format("\"*\" stands alone among the {}", list));
  }
  if (!j.items(path + ".postImportApplicationSQL").empty())
    j.error("bad-import", path + ".postImportApplicationSQL",
            "postImportApplicationSQL is for imports of type microservice");
}

void initdb(Judge& j) {
  const std::string path = "spec.bootstrap.initdb";
  const int64_t segment = j.integer(path + ".walSegmentSize", 0);
  if (segment != 0 && (segment < 0 || !std::has_single_bit(static_cast<uint64_t>(segment))))
    j.error("bad-value", path + ".walSegmentSize",
            fmt::format("walSegmentSize is {}, a power of two is needed", segment));
  sql_refs(j, path);
  const std::string_view import = j.text(path + ".import.type");
  if (import == "microservice") import_microservice(j, path + ".import");
  if (import == "monolith") import_monolith(j, path + ".import");
  if (const yaml::Value* options = j.at(path)) {
    const std::string_view provider = Judge::text(*options, "localeProvider");
    struct Pair { std::string_view field, provider; };
    for (const auto& [field, wanted] : {Pair{"icuLocale", "icu"}, Pair{"icuRules", "icu"},
                                        Pair{"builtinLocale", "builtin"}})
      if (options->find(field) != nullptr && provider != wanted)
        j.error("bad-locale", fmt::format("{}.{}", path, field),
                fmt::format("{} is for localeProvider: {}", field, wanted));
  }
}

const yaml::Value* external_cluster(const Judge& j, std::string_view name) {
  for (const yaml::Value& cluster : j.items("spec.externalClusters"))
    if (Judge::text(cluster, "name") == name) return &cluster;
  return nullptr;
}

void sources(Judge& j) {
  if (j.at("spec.bootstrap.pg_basebackup") != nullptr &&
      external_cluster(j, j.text("spec.bootstrap.pg_basebackup.source")) == nullptr)
    j.error("unknown-source", "spec.bootstrap.pg_basebackup.source",
            fmt::format("no external cluster is called \"{}\"",
                        printable(j.text("spec.bootstrap.pg_basebackup.source"))),
            "it is one of externalClusters[].name");
  const std::string_view source = j.text("spec.bootstrap.recovery.source");
  if (!source.empty() && external_cluster(j, source) == nullptr)
    j.error("unknown-source", "spec.bootstrap.recovery.source",
            fmt::format("no external cluster is called \"{}\"", printable(source)),
            "it is one of externalClusters[].name");
}

void snapshot_source(Judge& j, const std::string& path) {
  const yaml::Value* source = j.at(path);
  if (source == nullptr) return;
  const std::string_view group = Judge::text(*source, "apiGroup");
  const std::string_view kind = Judge::text(*source, "kind");
  if ((group == "snapshot.storage.k8s.io" && kind == "VolumeSnapshot") ||
      (group.empty() && kind == "PersistentVolumeClaim"))
    return;
  j.error("bad-value", path, "recovery starts from a VolumeSnapshot or a PersistentVolumeClaim",
          "kind: VolumeSnapshot with apiGroup: snapshot.storage.k8s.io");
}

void snapshots(Judge& j) {
  const std::string path = "spec.bootstrap.recovery";
  if (j.at(path + ".volumeSnapshots") == nullptr) return;
  if (j.at(path + ".backup") != nullptr)
    j.error("two-sources", path + ".backup",
            "recovery from volume snapshots takes no backup besides");
  if (!j.text(path + ".recoveryTarget.backupID").empty())
    j.error("two-sources", path + ".recoveryTarget.backupID",
            "recovery from volume snapshots takes no backupID");
  snapshot_source(j, path + ".volumeSnapshots.storage");
  snapshot_source(j, path + ".volumeSnapshots.walStorage");
  if (j.at(path + ".volumeSnapshots.walStorage") != nullptr && j.at("spec.walStorage") == nullptr)
    j.error("missing-field", path + ".volumeSnapshots.walStorage",
            "a snapshot of the WAL volume needs a Cluster with walStorage");
}

bool is_lsn(std::string_view text) {
  const auto hex = [](std::string_view part) {
    return !part.empty() && part.size() <= 8 &&
           part.find_first_not_of("0123456789abcdefABCDEF") == part.npos;
  };
  const size_t slash = text.find('/');
  return slash != text.npos && hex(text.substr(0, slash)) && hex(text.substr(slash + 1));
}

void recovery_target(Judge& j) {
  const std::string path = "spec.bootstrap.recovery.recoveryTarget";
  const yaml::Value* target = j.at(path);
  if (target == nullptr) return;
  constexpr std::string_view kTargets[] = {"targetImmediate", "targetLSN", "targetName",
                                           "targetXID", "targetTime"};
  const auto given = [&](std::string_view key) {
    return key == "targetImmediate" ? Judge::at(*target, key) != nullptr
                                    : !Judge::text(*target, key).empty();
  };
  if (std::ranges::count_if(kTargets, given) > 1)
    j.error("two-targets", path, fmt::format("at most one of {} is allowed", join_and(kTargets)));
  if (given("targetTime") && !is_target_time(Judge::text(*target, "targetTime")))
    j.error("bad-time", path + ".targetTime",
            fmt::format("\"{}\" is no point in time", printable(Judge::text(*target, "targetTime"))),
            "for example 2026-01-31T10:00:00Z");
  if (given("targetLSN") && !is_lsn(Judge::text(*target, "targetLSN")))
    j.error("bad-value", path + ".targetLSN",
            fmt::format("\"{}\" is no WAL location", printable(Judge::text(*target, "targetLSN"))),
            "for example 16/B374D848");
  const bool by_label = given("targetName") || given("targetXID") || given("targetImmediate");
  if (by_label && !given("backupID") && j.at("spec.bootstrap.recovery.volumeSnapshots") == nullptr)
    j.error("missing-backup-id", path,
            "targetName, targetXID and targetImmediate need the backupID to start from");
  const std::string_view timeline = Judge::text(*target, "targetTLI");
  const bool number = !timeline.empty() &&
                      timeline.find_first_not_of("0123456789") == timeline.npos &&
                      timeline.find_first_not_of('0') != timeline.npos;
  if (!timeline.empty() && timeline != "latest" && !number)
    j.error("bad-value", path + ".targetTLI",
            fmt::format("\"{}\" is no timeline", printable(timeline)), "latest, or a number");
}

}  // namespace

void judge_bootstrap(Judge& j) {
  one_method(j);
  database_and_owner(j);
  initdb(j);
  sources(j);
  snapshots(j);
  recovery_target(j);
}

}  // namespace dbm::cnpg
