#include "local/settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "local/process.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using yaml::Value;

constexpr int64_t kMB = 1 << 20;

/// What CloudNativePG gives every server (pkg/postgres/configuration.go), as far as it means
/// something on one machine. The file's own win, where CloudNativePG lets them.
constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
    {"dynamic_shared_memory_type", "posix"},
    {"max_parallel_workers", "32"},
    {"max_replication_slots", "32"},
    {"max_worker_processes", "32"},
    {"ssl_max_protocol_version", "TLSv1.3"},
    {"ssl_min_protocol_version", "TLSv1.3"},
    {"wal_keep_size", "512MB"},
    {"wal_level", "logical"},
    {"wal_log_hints", "on"},
    {"wal_receiver_timeout", "5s"},
    {"wal_sender_timeout", "5s"},
};

/// Memory that a server takes as it starts, or may take: as much of the machine as it may have.
struct MemoryLimit {
  std::string_view name;
  int64_t unit;    // of a bare number
  int64_t least;
  int parts;       // of the machine's memory, shared by the servers
};
constexpr MemoryLimit kMemory[] = {
    {"shared_buffers", 8192, 16 * kMB, 4},
    {"maintenance_work_mem", 1024, 16 * kMB, 8},
    {"work_mem", 1024, 4 * kMB, 8},
    {"effective_cache_size", 8192, 64 * kMB, 1},
};

std::string lower(std::string_view name) { return to_lower(name); }

void fit_memory(Parameters& out, const Machine& machine) {
  for (const MemoryLimit& limit : kMemory) {
    const auto given = out.values.find(std::string(limit.name));
    if (given == out.values.end()) continue;
    const auto bytes = parse_memory(given->second, limit.unit);
    const int64_t most =
        std::max(limit.least, machine.memory / limit.parts / std::max(machine.servers, 1)) / kMB * kMB;
    if (!bytes || *bytes <= most) continue;
    out.notices.push_back(fmt::format("{} {} is made {}MB: {} on {} MB of memory", limit.name,
                                      given->second, most / kMB,
                                      machine.servers == 1
                                          ? std::string("one server")
                                          : fmt::format("{} servers", machine.servers),
                                      machine.memory / kMB));
    given->second = fmt::format("{}MB", most / kMB);
  }
}

/// shared_preload_libraries whose files are there.
std::string preload(const Value& spec, const fs::path& libraries, Parameters& out) {
  std::string kept;
  const Value* list = spec.find_path({"postgresql", "shared_preload_libraries"});
  if (list == nullptr) return kept;
  for (const Value& item : list->items()) {
    const std::string name(item.text());
    if (std::error_code error; !fs::exists(libraries / (name + ".so"), error)) {
      out.notices.push_back(fmt::format(
          "shared_preload_libraries: {} is not installed here and left out", printable(name)));
      continue;
    }
    if (!kept.empty()) kept += ',';
    kept += name;
  }
  return kept;
}

/// Libraries that CloudNativePG loads for a parameter's sake (pkg/postgres/configuration.go).
constexpr std::string_view kLoadedByParameter[] = {"auto_explain", "pg_stat_statements", "pgaudit",
                                                   "pg_failover_slots"};

}  // namespace

std::optional<int64_t> parse_memory(std::string_view text, int64_t unit) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
  while (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"B", 1}, {"kB", 1024}, {"MB", kMB}, {"GB", 1024 * kMB}, {"TB", 1024 * 1024 * kMB}};
  for (const auto& [name, bytes] : kUnits)
    if (suffix == name) unit = bytes;
  if (!suffix.empty() && std::ranges::find(kUnits, suffix, &std::pair<std::string_view, int64_t>::first) ==
                             std::end(kUnits))
    return std::nullopt;
  return static_cast<int64_t>(number * static_cast<double>(unit));
}

Parameters parameters_of(const Value& spec, const KnownParameters& known, const Machine& machine,
                         const fs::path& libraries) {
  Parameters out;
  for (const auto& [name, value] : kDefaults)
    if (known.contexts.contains(name)) out.values[std::string(name)] = value;
  std::string libraries_to_load = preload(spec, libraries, out);
  if (const Value* given = spec.find_path({"postgresql", "parameters"}))
    for (const yaml::Member& m : given->members()) {
      const std::string name = lower(m.key);
      const size_t dot = name.find('.');
      if (dot == name.npos && !known.contexts.contains(name)) {
        out.notices.push_back(fmt::format("{} is unknown to this PostgreSQL and left out", printable(name)));
        continue;
      }
      out.values[name] = m.value.text();
      const std::string_view library = std::string_view(name).substr(0, dot);
      if (dot == name.npos || std::ranges::find(kLoadedByParameter, library) == std::end(kLoadedByParameter) ||
          ("," + libraries_to_load + ",").find(fmt::format(",{},", library)) != std::string::npos)
        continue;
      if (std::error_code error; !fs::exists(libraries / fmt::format("{}.so", library), error)) continue;
      libraries_to_load += libraries_to_load.empty() ? "" : ",";
      libraries_to_load += library;
    }
  if (!libraries_to_load.empty()) out.values["shared_preload_libraries"] = libraries_to_load;
  if (const Value* synchronous = spec.find_path({"postgresql", "synchronous"});
      (synchronous != nullptr && !synchronous->is_null()) || spec.find("maxSyncReplicas") != nullptr)
    out.notices.push_back("synchronous replication is left out: replicas on one machine follow asynchronously");
  fit_memory(out, machine);
  return out;
}

std::string config_text(const std::map<std::string, std::string>& parameters) {
  std::string out =
      "# Written by cnpg-dbm from the values file, and again by every `cnpg-dbm up`: change it there.\n";
  for (const auto& [name, value] : parameters) {
    out += name + " = '";
    for (const char c : value) {
      if (c == '\'' || c == '\\') out += c;  // doubled; a line end cannot stand here
      out += c == '\n' || c == '\r' ? ' ' : c;
    }
    out += "'\n";
  }
  return out;
}

Result<KnownParameters> KnownParameters::ask(const Postgres& postgres, const fs::path& cache) {
  const std::string program = postgres.program("postgres");
  struct stat status {};
  if (stat(program.c_str(), &status) != 0) return system_error("look at " + program);
  const fs::path file = cache / fmt::format("parameters-{}-{}-{}.tsv", postgres.major, status.st_size,
                                            status.st_mtime);
  std::string text = text_or_empty(file);
  if (text.empty()) {
    auto said = run({.words = {program, "--describe-config"}});
    if (!said) return std::move(said).error();
    if (!said->good())
      return Error{fmt::format("{} does not work: {}", program, tail(said->output)), ""};
    text = std::move(said->output);
    // What it hides there, and the file may set.
    for (const std::string_view hidden :
         {"allow_system_table_mods", "ignore_checksum_failure", "zero_damaged_pages", "debug_discard_caches",
          "jit_debugging_support", "trace_notify", "wal_consistency_checking", "log_btree_build_stats",
          "backtrace_functions", "post_auth_delay", "pre_auth_delay", "ignore_invalid_pages"})
      text += fmt::format("{}\thidden\n", hidden);
    if (auto made = make_folders(cache); !made) return std::move(made).error();
    if (auto written = write_atomically(file, text, 0600); !written) return std::move(written).error();
  }
  KnownParameters out;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t name = line.find('\t');
    if (name == line.npos) continue;
    const std::string_view after = line.substr(name + 1);
    out.contexts.emplace(lower(line.substr(0, name)), after.substr(0, after.find('\t')));
  }
  return out;
}

int64_t Machine::physical_memory() {
  int64_t bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  // A container's limit counts (cgroup v2, v1).
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::string text = text_or_empty(file);
    int64_t limit = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), limit).ec == std::errc() && limit > 0)
      bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace dbm::local
