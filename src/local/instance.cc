#include "local/instance.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "base/files.h"
#include "local/folders.h"
#include "local/pending.h"
#include "local/ports.h"
#include "local/post_init.h"
#include "local/process.h"
#include "local/settings.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view kMark = "cnpg-dbm.instance";
constexpr auto kPatience = 30min;  // a crash recovery, a restore of much WAL

/// A line of postmaster.pid, counted from 1: the fourth is the port, the eighth the state ("starting",
/// "ready", "standby", "stopping").
std::string_view line_of(std::string_view pid_file, int number) {
  for (int line = 1; line < number; ++line) {
    const size_t end = pid_file.find('\n');
    if (end == pid_file.npos) return {};
    pid_file.remove_prefix(end + 1);
  }
  return pid_file.substr(0, pid_file.find_first_of(" \n"));
}

int first_number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string Instance::name() const { return fmt::format("{}-{}", cluster, number); }

Result<bool> Instance::exists() const {
  std::error_code error;
  const bool there = fs::exists(data, error);
  if (error) return Error{fmt::format("cannot look at {}: {}", data.string(), error.message()), ""};
  if (!there) return false;
  if (access((data / kMark).c_str(), F_OK) == 0 || errno != ENOENT) {
    const auto mark = read_text(data / kMark);
    if (!mark) return mark.error();
    if (*mark == name() + "\n") return true;
  }
  return Error{fmt::format("{} is not a data folder of {}", data.string(), name()),
               "move it away, or give another --dir"};
}

int Instance::data_major() const {
  const std::string text = text_or_empty(data / "PG_VERSION");
  int major = 0;
  std::from_chars(text.data(), text.data() + text.size(), major);
  return major;
}

Result<fs::path> Instance::fresh_folder() const {
  const fs::path fresh = data.string() + ".new";
  std::error_code error;
  fs::remove_all(fresh, error);
  if (error) return Error{fmt::format("cannot remove {}: {}", fresh.string(), error.message()), ""};
  if (auto made = make_folders(fresh); !made) return std::move(made).error();
  return fresh;
}

Result<fs::path> Instance::set_aside() const {
  std::error_code error;
  for (int i = 1;; ++i) {
    const fs::path aside = fmt::format("{}.before-{}", data.string(), i);
    if (fs::exists(aside, error)) continue;
    if (rename(data.c_str(), aside.c_str()) == 0) return aside;
    return system_error(fmt::format("rename {} to {}", data.string(), aside.string()));
  }
}

Status Instance::adopt(const fs::path& fresh) const {
  if (auto marked = write_atomically(fresh / kMark, name() + "\n", 0600, /*durable=*/true); !marked)
    return marked;
  if (rename(fresh.c_str(), data.c_str()) != 0)
    return system_error(fmt::format("rename {} to {}", fresh.string(), data.string()));
  return Ok{};
}

Status Instance::initialise(const std::vector<std::string>& options) const {
  auto fresh = fresh_folder();
  if (!fresh) return std::move(fresh).error();
  std::vector<std::string> words = {postgres.program("initdb"), "--pgdata=" + fresh->string(),
                                    "--username=postgres",      "--data-checksums",
                                    "--auth-local=peer",        "--auth-host=scram-sha-256",
                                    "--no-instructions"};
  words.insert(words.end(), options.begin(), options.end());
  if (auto made = run_well({.words = words}, "initdb"); !made) return made;
  if (auto kept = PostInit(*fresh).keep(0); !kept) return kept;
  return adopt(*fresh);
}

Status Instance::copy_from(const Instance& primary, const Certificates& tls) const {
  auto fresh = fresh_folder();
  if (!fresh) return std::move(fresh).error();
  const Command command{
      .words = {postgres.program("pg_basebackup"), "--pgdata=" + fresh->string(),
                "--host=" + primary.address, fmt::format("--port={}", primary.port),
                "--username=streaming_replica", "--no-password", "--checkpoint=fast",
                "--wal-method=stream", fmt::format("--slot=dbm_{}", number)},
      .environment = {"PGSSLMODE=verify-full", "PGSSLROOTCERT=" + tls.ca(),
                      "PGSSLCERT=" + tls.certificate("streaming_replica"),
                      "PGSSLKEY=" + tls.key("streaming_replica")}};
  if (auto copied = run_well(command, "pg_basebackup"); !copied) return copied;
  if (auto made = write_atomically(*fresh / "standby.signal", "", 0600); !made) return made;
  return adopt(*fresh);
}

Instance::Texts Instance::texts_of(const Files& files, const Certificates& tls) const {
  std::map<std::string, std::string> parameters = files.parameters;
  parameters["cluster_name"] = name();
  parameters["hot_standby"] = "on";
  parameters["listen_addresses"] = address;
  parameters["password_encryption"] = "scram-sha-256";
  parameters["port"] = std::to_string(port);
  parameters["ssl"] = "on";
  parameters["ssl_ca_file"] = tls.ca();
  parameters["ssl_cert_file"] = tls.certificate("server");
  parameters["ssl_key_file"] = tls.key("server");
  parameters["unix_socket_directories"] = sockets.string();
  parameters["unix_socket_permissions"] = "0700";
  if (!parameters.contains("log_line_prefix")) parameters["log_line_prefix"] = "%m [%p] %q%u@%d ";
  if (!is_primary()) {
    parameters["primary_conninfo"] = files.primary_conninfo;
    // A primary that restarts is back at once here: not five seconds until it is asked again.
    parameters.emplace("wal_retrieve_retry_interval", "200ms");
    parameters["primary_slot_name"] = fmt::format("dbm_{}", number);
  }
  return {{"postgresql.conf", config_text(parameters)}, {"pg_hba.conf", files.hba}, {"pg_ident.conf", files.ident}};
}

Instance::Texts Instance::texts() const {
  Texts out;
  for (const char* file : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}) out[file] = text_or_empty(data / file);
  return out;
}

Result<bool> Instance::write(const Texts& texts) const {
  const Pending pending(data);
  for (const auto& [file, text] : texts) {
    if (text_or_empty(data / file) == text) continue;
    if (auto set = pending.set(); !set) return std::move(set).error();
    if (auto written = write_atomically(data / file, text, 0600); !written) return std::move(written).error();
  }
  return pending.is_set();
}

Result<std::map<std::string, std::string>> Instance::not_below(
    const std::map<std::string, std::string>& parameters) const {
  const auto said = run({.words = {postgres.program("pg_controldata"), data.string()}});
  if (!said) return said.error();
  if (!said->good()) return Error{fmt::format("pg_controldata failed:\n{}", tail(said->output)), ""};
  struct Kept {
    std::string_view line;  // of pg_controldata
    const char* parameter;
    int64_t otherwise;  // PostgreSQL's default
  };
  constexpr Kept kKept[] = {{"max_connections setting:", "max_connections", 100},
                            {"max_worker_processes setting:", "max_worker_processes", 8},
                            {"max_wal_senders setting:", "max_wal_senders", 10},
                            {"max_prepared_xacts setting:", "max_prepared_transactions", 0},
                            {"max_locks_per_xact setting:", "max_locks_per_transaction", 64}};
  const std::string_view text = said->output;
  std::map<std::string, std::string> out;
  for (const Kept& kept : kKept) {
    const size_t at = text.find(kept.line);
    if (at == text.npos) continue;
    const size_t digits = text.find_first_of("0123456789", at + kept.line.size());
    int64_t least = 0, wanted = kept.otherwise;
    if (digits != text.npos) std::from_chars(text.data() + digits, text.data() + text.size(), least);
    if (const auto given = parameters.find(kept.parameter); given != parameters.end())
      std::from_chars(given->second.data(), given->second.data() + given->second.size(), wanted);
    if (wanted < least) out[kept.parameter] = std::to_string(least);
  }
  return out;
}

std::optional<pid_t> Instance::pid() const { return running(data / "postmaster.pid", "postgres", data); }

int Instance::running_port() const { return first_number(line_of(text_or_empty(data / "postmaster.pid"), 4)); }

/// True when this process accepts connections; the file may still be a dead server's.
bool Instance::is_ready(pid_t process) const {
  const std::string text = text_or_empty(data / "postmaster.pid");
  if (first_number(text) != process) return false;
  // "ready" is also who answers readers before its recovery has come to its end.
  std::error_code error;
  return line_of(text, 8) == "ready" && (!is_primary() || !fs::exists(data / "recovery.signal", error));
}

/// The server takes its lock files for stale when there is no such process. It cannot know that the id
/// was given to another program since, or that the process only waits to be collected.
void Instance::forget_old_process() const {
  std::vector<fs::path> locks = {data / "postmaster.pid"};
  std::error_code error;
  for (const fs::path& path : files_in(sockets))
    if (path.extension() == ".lock") locks.push_back(path);
  for (const fs::path& lock : locks) {
    const pid_t old = first_number(text_or_empty(lock));
    if (old > 0 && (kill(old, 0) == 0 || errno == EPERM) && !running(lock, "postgres", data)) fs::remove(lock, error);
  }
}

Status Instance::start() const {
  const fs::path pid_file = data / "postmaster.pid";
  std::error_code ignored;
  const auto said_before = fs::file_size(log, ignored);
  std::optional<pid_t> process = pid();  // one that a killed run started may not be ready yet
  if (!process) {
    forget_old_process();
    if (!is_free(address, port))
      return Error{fmt::format("the port {}:{} of {} is taken by {}", address, port, name(),
                               listener(address, port)),
                   fmt::format("end that program; or `cnpg-dbm down {}` and up with --new-ports", cluster)};
    for (const fs::path& folder : {sockets, log.parent_path()})
      if (auto made = make_folders(folder); !made) return made;
    auto started = start_server({.words = {postgres.program("postgres"), "-D", data.string()},
                                 .folder = data}, log);
    if (!started) return std::move(started).error();
    process = *started;
  }
  bool ready = wait_until([&] { return is_ready(*process); }, kPatience, *process);
  if (const auto other = pid(); !ready && other && *other != *process) {  // was quicker
    process = other;
    ready = wait_until([&] { return is_ready(*process); }, kPatience, *process);
  }
  if (ready && is_alive(*process)) return Ok{};
  if (is_interrupted()) {  // its pid file may not be there yet
    stop_process(*process, SIGINT, 60s);
    return Error{fmt::format("the start of {} was interrupted", name()), ""};
  }
  std::string said = text_or_empty(log);
  said.erase(0, std::min<uintmax_t>(said_before, said.size()));
  return Error{fmt::format("PostgreSQL of {} does not start:\n{}", name(), tail(said)),
               said.find("No space left") != said.npos ? "make room on the disk and run the command again"
                                                       : "its whole log: " + log.string()};
}

Status Instance::stop(StopMode mode) const {
  const auto id = pid();
  if (!id) return Ok{};
  const int signal = mode == StopMode::kFast ? SIGINT : SIGQUIT;
  if (stop_process(*id, signal, 60s) || stop_process(*id, SIGQUIT, 20s)) return Ok{};
  return Error{fmt::format("PostgreSQL of {} (process {}) does not stop", name(), *id),
               "its log: " + log.string()};
}

Status Instance::reload() const {
  const auto id = pid();
  if (id && kill(*id, SIGHUP) == 0) return Ok{};
  return Error{fmt::format("PostgreSQL of {} does not run", name()), "its log: " + log.string()};
}

}  // namespace dbm::local
