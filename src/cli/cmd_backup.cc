// cnpg-dbm backup, backups, restore: base backups of this machine's clusters and the way back.

#include <ctime>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/local.h"
#include "cli/table.h"
#include "cnpg/timestamp.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  ValueFlags values;
  PasswordFlags passwords;
  LocalFlags local;
  std::string cluster, type = "full", output = "text";
  bool remote_backups = false;
  int replicas = -1;
  local::RestorePoint point;
};

std::string time_text(int64_t seconds) {
  const time_t time = static_cast<time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char out[32];
  return {out, std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string size_text(int64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

/// CLUSTER, or the only one of the file; empty and an error printed when that is not clear.
std::string cluster_of(const Flags& flags, const Input& input) {
  if (!flags.cluster.empty()) return flags.cluster;
  if (input.clusters.size() == 1) return std::string(input.clusters[0].cluster->name);
  print_error({"the values file has several clusters", "name the one that is meant"});
  return {};
}

local::EngineOptions options_of(const Flags& flags, std::string command) {
  auto out = engine_options(flags.local, std::move(command));
  out.remote_backups = flags.remote_backups;
  if (flags.replicas >= 0) out.replicas = flags.replicas;
  return out;
}

int back_up(const Flags& flags) {
  int exit = kDone;
  const auto input = LocalInput::read(flags.values, flags.passwords, exit);
  if (input == nullptr) return exit;
  const std::string cluster = cluster_of(flags, input->input());
  if (cluster.empty()) return kRefused;
  const auto engine = open_engine(options_of(flags, "backup"));
  if (engine == nullptr) return kRefused;
  if (auto taken = engine->back_up(input->wanted(), cluster, flags.type); !taken) {
    print_error(taken.error());
    return kRefused;
  }
  const auto list = local::Backups(engine->layout(), cluster, nullptr, false).list();
  if (!list) {
    print_error(list.error());
    return kRefused;
  }
  Stdout out;
  if (!list->empty())
    out.write(fmt::format("{}: backup {}, {} of {}\n", cluster, list->back().label,
                          size_text(list->back().repository_size), size_text(list->back().size)));
  return finish(out, kDone);
}

std::string backups_json(const std::vector<std::pair<std::string, local::BackupInfo>>& all) {
  yaml::Arena arena;
  yaml::Value list = yaml::Value::list(arena);
  for (const auto& [cluster, b] : all) {
    yaml::Value one = yaml::Value::map(arena);
    const auto text = [&](std::string_view t) { return yaml::Value::string(arena.copy(t)); };
    one.append(arena, "cluster", text(cluster));
    one.append(arena, "label", text(b.label));
    one.append(arena, "type", text(b.type));
    one.append(arena, "started", text(time_text(b.started)));
    one.append(arena, "stopped", text(time_text(b.stopped)));
    one.append(arena, "size", yaml::Value::integer(arena, b.size));
    one.append(arena, "repositorySize", yaml::Value::integer(arena, b.repository_size));
    one.append(arena, "walStart", text(b.wal_start));
    one.append(arena, "walStop", text(b.wal_stop));
    one.append(arena, "error", yaml::Value::boolean(b.error));
    list.push(arena, one);
  }
  std::string out;
  yaml::write_json(out, list, 2);
  return out + "\n";
}

int list_backups(const Flags& flags) {
  const auto engine = open_engine(engine_options(flags.local, "backups"));
  if (engine == nullptr) return kRefused;
  std::vector<std::pair<std::string, local::BackupInfo>> all;
  for (const std::string& cluster : engine->clusters()) {
    if (!flags.cluster.empty() && cluster != flags.cluster) continue;
    const local::Backups backups(engine->layout(), cluster, nullptr, false);
    if (!backups.exist()) continue;
    const auto list = backups.list();
    if (!list) {
      print_error(std::move(Error(list.error())).about("cluster " + cluster));
      return kRefused;
    }
    for (const auto& backup : *list) all.emplace_back(cluster, backup);
  }
  Stdout out;
  if (flags.output == "json") {
    out.write(backups_json(all));
    return finish(out, kDone);
  }
  Table table({"CLUSTER", "BACKUP", "TYPE", "STARTED", "STOPPED", "SIZE", "STORED"});
  for (const auto& [cluster, b] : all)
    table.row({cluster, b.label + (b.error ? " (damaged)" : ""), b.type, time_text(b.started),
               time_text(b.stopped), size_text(b.size), size_text(b.repository_size)});
  out.write(all.empty() ? "no backups\n" : table.text(""));
  return finish(out, kDone);
}

int restore(const Flags& flags) {
  if (!flags.point.time.empty() && !cnpg::is_target_time(flags.point.time) && !cnpg::is_rfc3339(flags.point.time)) {
    print_error({fmt::format("--at {} is no point in time", printable(flags.point.time)),
                 "for example 2026-01-31T10:00:00Z or \"2026-01-31 10:00:00+01\""});
    return kUsage;
  }
  int exit = kDone;
  const auto input = LocalInput::read(flags.values, flags.passwords, exit);
  if (input == nullptr) return exit;
  const std::string cluster = cluster_of(flags, input->input());
  if (cluster.empty()) return kRefused;
  const auto engine = open_engine(options_of(flags, "restore"));
  if (engine == nullptr) return kRefused;
  const auto outcome = engine->restore(input->wanted(), cluster, flags.point);
  end_progress();
  if (!outcome || !outcome->report) {
    print_error(outcome ? outcome->report.error() : outcome.error());
    return kRefused;
  }
  print_news(*outcome->report);
  Stdout out;
  out.write(fmt::format("{}: restored\n", cluster));
  for (const std::string& done : outcome->report->done) out.write(fmt::format("  + {}\n", printable(done, 200)));
  return finish(out, outcome->report->good() ? kDone : kRefused);
}

void add_common(Command command, const std::shared_ptr<Flags>& flags) {
  command.argument("CLUSTER", flags->cluster, "the cluster; may be left out where there is one");
  // RELEASE has no place here: CLUSTER does.
  command.option("-f,--values", flags->values.files, "values file; several are merged, - is standard input");
  command.option("--set", flags->values.set, "set a value");
  flags->passwords.add_to(command);
  flags->local.add_to(command);
  command.flag("--remote-backups", flags->remote_backups, "the file's object store, not a folder");
}

}  // namespace

void add_backup(Command program) {
  Command command = program.subcommand("backup", "Take a base backup of a cluster of this machine");
  auto flags = std::make_shared<Flags>();
  add_common(command, flags);
  command.option("--type", flags->type, "full, diff or incr").choices({"full", "diff", "incr"}).show_default();
  command.run([flags] { return back_up(*flags); });
}

void add_backups(Command program) {
  Command command = program.subcommand("backups", "List the base backups of this machine");
  auto flags = std::make_shared<Flags>();
  flags->local.add_to(command);
  command.argument("CLUSTER", flags->cluster, "only this one's");
  command.option("-o,--output", flags->output, "text or json").choices({"text", "json"});
  command.run([flags] { return list_backups(*flags); });
}

void add_restore(Command program) {
  Command command = program.subcommand("restore", "Bring a cluster of this machine back to a point in time");
  auto flags = std::make_shared<Flags>();
  add_common(command, flags);
  Command points = command.at_most_one("point", "where to stop; without one: at the end of the WAL");
  points.option("--at", flags->point.time, "a time: 2026-01-31T10:00:00Z");
  points.option("--xid", flags->point.xid, "a transaction");
  points.option("--name", flags->point.name, "a point made by pg_create_restore_point()");
  points.option("--lsn", flags->point.lsn, "a place in the WAL");
  points.flag("--immediate", flags->point.immediate, "as soon as the backup is consistent");
  command.flag("--exclusive", flags->point.exclusive, "stop before the point");
  command.option("--backup", flags->point.backup, "begin with this backup (see `backups`)");
  command.option("--replicas", flags->replicas, "replicas a cluster, instead of instances - 1").range(0, 8);
  command.run([flags] { return restore(*flags); });
}

}  // namespace dbm::cli
