// spec.postgresql: parameters, synchronous replication, LDAP, pg_hba, extensions.

#include <algorithm>
#include <set>
#include <string>

#include "base/text.h"
#include "cnpg/judge.h"
#include "cnpg/parameters.h"
#include "cnpg/quantity.h"

namespace dbm::cnpg {

std::optional<bool> parse_pg_boolean(std::string_view text) {
  const std::string lower = to_lower(text);
  const auto prefix_of = [&](std::string_view word, size_t least) {
    return lower.size() >= least && word.starts_with(lower);
  };
  if (lower == "1" || lower == "on" || prefix_of("yes", 1) || prefix_of("true", 1)) return true;
  if (lower == "0" || prefix_of("off", 2) || prefix_of("no", 1) || prefix_of("false", 1))
    return false;
  return std::nullopt;
}

namespace {

constexpr std::string_view kParameters = "spec.postgresql.parameters";

std::string path_of(std::string_view parameter) {
  return fmt::format("{}.{}", kParameters, parameter);
}

/// A parameter's text; null data when it is not set.
std::string_view parameter(const Judge& j, std::string_view name) {
  const yaml::Value* map = j.at(kParameters);
  const yaml::Value* value = map != nullptr ? map->find(name) : nullptr;
  return value != nullptr ? value->text() : std::string_view();
}

void fixed_parameters(Judge& j) {
  const yaml::Value* map = j.at(kParameters);
  if (map == nullptr) return;
  for (const yaml::Member& member : map->members()) {
    const std::string_view why = fixed_parameter(member.key);
    const std::string_view own = mandatory_value(member.key);
    if (why.empty() || (!own.empty() && member.value.text() == own)) continue;
    j.error("fixed-parameter", path_of(member.key),
            fmt::format("{} is set by CloudNativePG and cannot be changed", member.key),
            std::string(why));
  }
}

void booleans(Judge& j) {
  for (const std::string_view name :
       {"hot_standby_feedback", "sync_replication_slots", "wal_log_hints"}) {
    const std::string_view text = parameter(j, name);
    if (text.data() != nullptr && !parse_pg_boolean(text))
      j.error("bad-value", path_of(name),
              fmt::format("\"{}\" is no boolean of PostgreSQL", printable(text)), "on or off");
  }
  const std::string_view hints = parameter(j, "wal_log_hints");
  if (hints.data() != nullptr && parse_pg_boolean(hints) == false && j.integer("spec.instances", 1) > 1)
    j.error("bad-value", path_of("wal_log_hints"),
            "wal_log_hints must be on when there is more than one instance");
}

void wal_level(Judge& j) {
  const std::string_view level = parameter(j, "wal_level");
  if (level.data() == nullptr) return;
  if (level != "logical" && level != "replica" && level != "minimal")
    return j.error("bad-enum", path_of("wal_level"),
                   fmt::format("\"{}\" is no wal_level", printable(level)),
                   "logical, replica or minimal");
  if (level != "minimal") return;
  const bool archives = j.annotation("cnpg.io/skipWalArchiving") != "enabled";
  if (archives || j.integer("spec.instances", 1) > 1 || is_replica(j))
    j.error("bad-value", path_of("wal_level"),
            "wal_level minimal allows neither standbys nor archiving",
            "logical or replica");
  else if (parameter(j, "max_wal_senders") != "0")
    j.error("bad-value", path_of("max_wal_senders"),
            "max_wal_senders must be 0 when wal_level is minimal");
}

/// A size parameter, or PostgreSQL's default; reports one that cannot be read.
std::optional<Quantity> size_parameter(Judge& j, std::string_view name, std::string_view otherwise) {
  const std::string_view text = parameter(j, name);
  const auto size = parse_pg_size(text.empty() ? otherwise : text);
  if (!size)
    j.error("bad-value", path_of(name),
            fmt::format("\"{}\" is no size that CloudNativePG reads", printable(text)),
            "a whole number with kB, MB, GB or TB");
  return size;
}

void wal_sizes(Judge& j) {
  const auto least = size_parameter(j, "min_wal_size", "80MB");
  const auto most = size_parameter(j, "max_wal_size", "1GB");
  const auto shown = [&](std::string_view name, std::string_view otherwise) {
    const std::string_view text = parameter(j, name);
    return text.empty() ? fmt::format("{} (PostgreSQL's default)", otherwise) : std::string(text);
  };
  if (least && most && least->value != 0 && most->value != 0 && *least >= *most)
    j.error("wal-size", path_of("min_wal_size"),
            fmt::format("min_wal_size {} must be smaller than max_wal_size {}",
                        shown("min_wal_size", "80MB"), shown("max_wal_size", "1GB")));
  const auto volume = parse_quantity(j.text("spec.walStorage.size"));
  if (!volume) return;
  struct Bound { std::string_view name; const std::optional<Quantity>& size; };
  for (const Bound& bound : {Bound{"min_wal_size", least}, Bound{"max_wal_size", most}})
    if (!parameter(j, bound.name).empty() && bound.size && bound.size->value != 0 &&
        *bound.size >= *volume)
      j.error("wal-size", path_of(bound.name),
              fmt::format("{} {} does not fit on the WAL volume of {}", bound.name,
                          parameter(j, bound.name), j.text("spec.walStorage.size")),
              "make walStorage.size larger than it");
}

/// Huge pages that could hold shared_buffers instead of ordinary memory.
bool fits_in_huge_pages(const Judge& j, const Quantity& size) {
  for (const std::string_view list : {"limits", "requests"}) {
    const yaml::Value* map = j.at(fmt::format("spec.resources.{}", list));
    if (map == nullptr) continue;
    for (const yaml::Member& member : map->members())
      if (member.key.starts_with("hugepages-"))
        if (const auto pages = parse_quantity(member.value.text()); pages && size <= *pages)
          return true;
  }
  return false;
}

void shared_buffers(Judge& j) {
  const std::string_view text = parameter(j, "shared_buffers");
  if (text.empty()) return;
  const auto size = size_parameter(j, "shared_buffers", {});
  const auto request = parse_quantity(j.text("spec.resources.requests.memory"));
  if (!size || !request || request->value == 0 || *size <= *request) return;
  if (!fits_in_huge_pages(j, *size))
    j.error("too-little-memory", path_of("shared_buffers"),
            fmt::format("shared_buffers {} is more than the memory request {}", text,
                        j.text("spec.resources.requests.memory")),
            "raise resources.requests.memory; four times shared_buffers is usual");
}

void synchronous(Judge& j) {
  const std::string path = "spec.postgresql.synchronous";
  const yaml::Value* sync = j.at(path);
  if (sync == nullptr) return;
  if (j.integer("spec.minSyncReplicas", 0) > 0 || j.integer("spec.maxSyncReplicas", 0) > 0)
    j.error("two-ways", path,
            "postgresql.synchronous and minSyncReplicas/maxSyncReplicas exclude each other");
  const auto named = static_cast<int64_t>(j.items(path + ".standbyNamesPre").size() +
                                          j.items(path + ".standbyNamesPost").size());
  const int64_t number = j.integer(path + ".number", 0);
  const int64_t instances = j.integer("spec.instances", 1);
  if (number <= 0)
    j.error("out-of-range", path + ".number", "synchronous.number must be above 0");
  if (number >= instances + named)
    j.error("out-of-range", path,
            fmt::format("{} synchronous standbys of {} instances: at most {} are possible", number,
                        instances, instances + named - 1));
  if (Judge::text(*sync, "dataDurability") == "preferred" && named > 0)
    j.error("bad-value", path + ".dataDurability",
            "dataDurability preferred excludes standbyNamesPre and standbyNamesPost");
  const bool quorum = Judge::flag(*sync, "failoverQuorum") ||
                      j.annotation("alpha.cnpg.io/failoverQuorum") == "true";
  if (quorum && number <= named)
    j.error("out-of-range", path,
            "failoverQuorum needs a number above that of the standbys given by name");
}

void election_constraint(Judge& j) {
  const std::string path = "spec.postgresql.syncReplicaElectionConstraint";
  if (j.flag(path + ".enabled") && j.items(path + ".nodeLabelsAntiAffinity").empty())
    j.error("missing-field", path, "syncReplicaElectionConstraint needs nodeLabelsAntiAffinity");
}

void ldap(Judge& j) {
  const std::string path = "spec.postgresql.ldap";
  if (j.at(path) == nullptr) return;
  if (j.text(path + ".server").empty())
    j.error("missing-field", path, "ldap needs the server");
  if (j.at(path + ".bindAsAuth") != nullptr && j.at(path + ".bindSearchAuth") != nullptr)
    j.error("two-ways", path, "ldap takes bindAsAuth or bindSearchAuth, not both");
}

/// ${podselector:NAME} in pg_hba lines (CNPG 1.29).
void pod_selectors(Judge& j) {
  std::set<std::string_view> known;
  const auto selectors = j.items("spec.podSelectorRefs");
  for (size_t i = 0; i < selectors.size(); ++i)
    if (!known.insert(Judge::text(selectors[i], "name")).second)
      j.error("duplicate-item", fmt::format("spec.podSelectorRefs[{}].name", i),
              "two podSelectorRefs have this name");
  const auto lines = j.items("spec.postgresql.pg_hba");
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i].text();
    const std::string path = fmt::format("spec.postgresql.pg_hba[{}]", i);
    int found = 0;
    for (size_t at = line.find("${"); at != line.npos; at = line.find("${", at + 2)) {
      const size_t colon = line.find(':', at), end = line.find('}', at);
      if (end == line.npos || colon == line.npos || colon > end) continue;
      ++found;
      const std::string_view name = line.substr(colon + 1, end - colon - 1);
      if (line.substr(at + 2, colon - at - 2) != "podselector")
        j.error("bad-hba", path, "only ${podselector:NAME} can stand in a line of pg_hba");
      else if (!known.contains(name))
        j.error("bad-hba", path,
                fmt::format("no podSelectorRefs is called \"{}\"", printable(name)));
    }
    if (found > 1) j.error("bad-hba", path, "one ${podselector:NAME} a line of pg_hba");
  }
}

bool uses_failover_slots(const Judge& j) {
  const yaml::Value* map = j.at(kParameters);
  return map != nullptr && std::ranges::any_of(map->members(), [](const yaml::Member& m) {
    return m.key.starts_with("pg_failover_slots.");
  });
}

void failover_slots(Judge& j) {
  const bool feedback = parse_pg_boolean(parameter(j, "hot_standby_feedback")).value_or(false);
  const std::string slots = "spec.replicationSlots.highAvailability";
  const bool decoding = j.flag(slots + ".synchronizeLogicalDecoding");
  if (uses_failover_slots(j)) {
    if (!feedback)
      j.error("missing-field", path_of("hot_standby_feedback"),
              "pg_failover_slots needs hot_standby_feedback: on");
    const yaml::Value* enabled = j.at(slots + ".enabled");
    const bool given = j.at("spec.replicationSlots") != nullptr;
    if ((given && j.at(slots) == nullptr) ||
        (enabled != nullptr && !enabled->as_bool().value_or(true)))
      j.error("missing-field", slots, "pg_failover_slots needs replicationSlots.highAvailability");
    return;
  }
  const int major = major_version(j);
  if (!decoding || major == 0) return;
  if (major < 17)
    return j.error("needs-newer-postgresql", slots + ".synchronizeLogicalDecoding",
                   "synchronizeLogicalDecoding needs PostgreSQL 17, or pg_failover_slots");
  if (!feedback)
    j.error("missing-field", path_of("hot_standby_feedback"),
            "synchronizeLogicalDecoding needs hot_standby_feedback: on");
  if (!parse_pg_boolean(parameter(j, "sync_replication_slots")).value_or(false))
    j.error("missing-field", path_of("sync_replication_slots"),
            "synchronizeLogicalDecoding needs sync_replication_slots: on");
}

void extension_paths(Judge& j, const yaml::Value& extension, const std::string& path) {
  for (const std::string_view list :
       {"extension_control_path", "dynamic_library_path", "ld_library_path", "bin_path"}) {
    const yaml::Value* paths = Judge::at(extension, list);
    if (paths == nullptr) continue;
    std::set<std::string_view> seen;
    for (size_t i = 0; i < paths->items().size(); ++i) {
      const std::string_view text = paths->items()[i].text();
      const std::string at = fmt::format("{}.{}[{}]", path, list, i);
      if (text.empty())
        j.error("bad-value", at, "a path is empty");
      else if (!seen.insert(text).second)
        j.error("duplicate-item", at, "this path is there twice");
      else if (text == ".." || text.starts_with("../"))
        j.error("bad-value", at, "the path leaves the extension's directory");
    }
  }
}

void extensions(Judge& j) {
  std::set<std::string> volumes;
  const auto list = j.items("spec.postgresql.extensions");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("spec.postgresql.extensions[{}]", i);
    std::string volume(Judge::text(list[i], "name"));
    std::ranges::replace(volume, '_', '-');
    if (!volumes.insert(volume).second)
      j.error("name-collision", path + ".name",
              fmt::format("two extensions would have the volume \"{}\"", volume));
    if (j.at("spec.imageCatalogRef") == nullptr && Judge::text(list[i], "image.reference").empty())
      j.error("missing-field", path,
              "image.reference is needed where no image catalog is used");
    extension_paths(j, list[i], path);
  }
}

}  // namespace

void judge_postgresql(Judge& j) {
  fixed_parameters(j);
  booleans(j);
  wal_level(j);
  wal_sizes(j);
  shared_buffers(j);
  synchronous(j);
  election_constraint(j);
  ldap(j);
  pod_selectors(j);
  failover_slots(j);
  extensions(j);
}

}  // namespace dbm::cnpg
