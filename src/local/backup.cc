#include "local/backup.h"

#include <charconv>

#include <fmt/format.h>

#include "base/files.h"
#include "local/backup_store.h"
#include "local/process.h"
#include "yaml/reader.h"

namespace dbm::local {
namespace {

using yaml::Value;

int64_t integer(const Value& from, std::initializer_list<std::string_view> path) {
  const Value* v = from.find_path(path);
  return v != nullptr ? v->as_int().value_or(0) : 0;
}
std::string text(const Value& from, std::initializer_list<std::string_view> path) {
  const Value* v = from.find_path(path);
  return v != nullptr ? std::string(v->text()) : std::string();
}

/// A word of archive_command and restore_command.
/// Layout has refused what a shell or PostgreSQL's files would take for something else.
std::string shell_word(std::string_view word) { return fmt::format("\"{}\"", word); }

}  // namespace

int64_t retention_days(std::string_view policy) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(policy.data(), policy.data() + policy.size(), number);
  if (error != std::errc() || end + 1 != policy.data() + policy.size()) return 0;
  switch (*end) {
    case 'd': return number;
    case 'w': return number * 7;
    case 'm': return number * 30;
    default: return 0;
  }
}

std::string target_time(std::string_view time) {
  std::string out(time);
  if (out.size() > 10 && (out[10] == 'T' || out[10] == 't')) out[10] = ' ';
  if (!out.empty() && (out.back() == 'Z' || out.back() == 'z')) out.replace(out.size() - 1, 1, "+00");
  return out;
}

Backups::Backups(const Layout& layout, std::string cluster, const spec::Backup* backup, bool remote)
    : layout_(layout), cluster_(std::move(cluster)), backup_(backup), remote_(remote) {}

Result<std::vector<std::string>> Backups::command(std::vector<std::string> words) const {
  auto tool = find_pgbackrest();
  if (!tool) return std::move(tool).error();
  std::vector<std::string> out = {tool->path, "--config=" + config().string(), "--stanza=" + cluster_};
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

Result<std::map<std::string, std::string>> Backups::parameters() const {
  std::map<std::string, std::string> out;
  if (!enabled()) return out;
  auto tool = find_pgbackrest();
  if (!tool) return std::move(tool).error();
  out["archive_mode"] = "on";
  out["archive_command"] =
      fmt::format("{} --config={} --stanza={} archive-push %p", shell_word(tool->path),
                  shell_word(config().string()), shell_word(cluster_));
  return out;
}

Result<std::string> Backups::config_text(const Instance& primary) const {
  auto store = remote_ ? object_store(*backup_, cluster_, folder())
                       : Result(folder_store(folder() / "repository"));
  if (!store) return std::move(store).error();
  std::map<std::string, std::string> global = std::move(store).value();
  const int64_t days = retention_days(backup_->retention_policy);
  global["compress-type"] = "lz4";
  global["lock-path"] = (folder() / "lock").string();
  global["log-path"] = (layout_.cluster(cluster_) / "log").string();
  global["log-level-console"] = "warn";
  global["log-level-file"] = "info";
  global["log-level-stderr"] = "off";
  global["spool-path"] = (folder() / "spool").string();
  global["start-fast"] = "y";
  if (days > 0) {
    global["repo1-retention-full"] = std::to_string(days);
    global["repo1-retention-full-type"] = "time";
  }
  std::string out = "# Written by cnpg-dbm from the values file.\n[global]\n";
  for (const auto& [name, value] : global) out += fmt::format("{}={}\n", name, value);
  out += fmt::format("\n[{}]\npg1-path={}\npg1-port={}\npg1-socket-path={}\npg1-user=postgres\n",
                     cluster_, primary.data.string(), primary.port, primary.sockets.string());
  return out;
}

Result<bool> Backups::configure(const Instance& primary) const {
  for (const char* part : {"lock", "spool", "repository"})
    if (auto made = make_folders(folder() / part); !made) return std::move(made).error();
  if (auto made = make_folders(layout_.cluster(cluster_) / "log"); !made) return std::move(made).error();
  auto text = config_text(primary);
  if (!text) return std::move(text).error();
  return write_if_changed(config(), *text, 0600);
}

Status Backups::create_stanza() const {
  auto words = command({"stanza-create"});
  if (!words) return std::move(words).error();
  return run_well({.words = *words}, "pgbackrest stanza-create");
}

Status Backups::take(std::string_view type) const {
  auto words = command({fmt::format("--type={}", type), "backup"});
  if (!words) return std::move(words).error();
  return run_well({.words = *words}, "pgbackrest backup");
}

bool Backups::exist() const {
  std::error_code error;
  return std::filesystem::exists(config(), error);
}

Result<std::vector<BackupInfo>> Backups::list() const {
  auto words = command({"--output=json", "info"});
  if (!words) return std::move(words).error();
  auto said = run({.words = *words});
  if (!said) return std::move(said).error();
  if (!said->good()) return Error{fmt::format("pgbackrest info failed:\n{}", tail(said->output)), ""};
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  const auto tree =
      yaml::read(arena, sources, sources.add("pgbackrest", std::move(said->output)), diagnostics);
  if (!tree) return Error{"pgbackrest info does not print JSON", ""};
  std::vector<BackupInfo> out;
  for (const Value& stanza : tree->items()) {
    const Value* backups = stanza.find("backup");
    if (backups == nullptr) continue;
    for (const Value& b : backups->items())
      out.push_back({.label = text(b, {"label"}),
                     .type = text(b, {"type"}),
                     .started = integer(b, {"timestamp", "start"}),
                     .stopped = integer(b, {"timestamp", "stop"}),
                     .size = integer(b, {"info", "size"}),
                     .repository_size = integer(b, {"info", "repository", "delta"}),
                     .wal_start = text(b, {"archive", "start"}),
                     .wal_stop = text(b, {"archive", "stop"}),
                     .error = b.find("error") != nullptr && b.find("error")->as_bool().value_or(false)});
  }
  return out;
}

Status Backups::restore(const std::filesystem::path& into, const std::filesystem::path& data,
                        const RestorePoint& point) const {
  auto tool = find_pgbackrest();
  if (!tool) return std::move(tool).error();
  std::vector<std::string> options = {
      "--pg1-path=" + into.string(),
      fmt::format("--recovery-option=restore_command={} --config={} --stanza={} --pg1-path={} archive-get %f \"%p\"",
                  shell_word(tool->path), shell_word(config().string()), shell_word(cluster_),
                  shell_word(data.string()))};
  const auto target = [&](std::string_view type, const std::string& value) {
    options.push_back(fmt::format("--type={}", type));
    if (!value.empty()) options.push_back("--target=" + value);
    options.push_back("--target-action=promote");
    if (point.exclusive) options.push_back("--target-exclusive");
  };
  if (!point.time.empty()) target("time", target_time(point.time));
  else if (!point.xid.empty()) target("xid", point.xid);
  else if (!point.name.empty()) target("name", point.name);
  else if (!point.lsn.empty()) target("lsn", point.lsn);
  else if (point.immediate) target("immediate", "");
  if (!point.backup.empty()) options.push_back("--set=" + point.backup);
  options.emplace_back("restore");
  auto words = command(std::move(options));
  if (!words) return std::move(words).error();
  return run_well({.words = *words}, "pgbackrest restore");
}

}  // namespace dbm::local
