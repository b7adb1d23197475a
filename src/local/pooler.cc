#include "local/pooler.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "local/pending.h"
#include "local/ports.h"
#include "local/process.h"
#include "schema/record.h"
#include "secrets/password.h"
#include "yaml/at.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using yaml::Value;

/// What CloudNativePG's list allows and older PgBouncers do not know (PgBouncer's changelog).
struct Younger {
  std::string_view name;
  Version since;
};
constexpr Younger kYounger[] = {
    {"client_tls13_ciphers", {1, 25}}, {"max_prepared_statements", {1, 21}},
    {"server_tls13_ciphers", {1, 25}}, {"track_extra_parameters", {1, 20}},
    {"log_pooler_errors", {1, 0}},     {"cancel_wait_timeout", {1, 18}},
};

bool knows(std::string_view parameter, Version version) {
  const auto* found = std::ranges::find(kYounger, parameter, &Younger::name);
  return found == std::end(kYounger) || version >= found->since;
}

/// The hosts of a type, as PgBouncer takes them.
std::string hosts(const PoolerHost& host, std::string_view type, std::vector<std::string>& notices,
                  std::string_view name) {
  if (type == "rw") return address_of(1);
  std::string out;
  for (int i = type == "ro" ? 2 : 1; i <= host.instances; ++i) {
    if (!out.empty()) out += ',';
    out += address_of(i);
  }
  if (!out.empty()) return out;
  notices.push_back(fmt::format("pooler {}: there is no replica, it leads to the primary", name));
  return address_of(1);
}

/// The [databases] of pgbouncer.ini. Names that it cannot spell need the wildcard; what is not the
/// file's has no auth_user then, so that nothing is asked of the server before it is refused.
std::string databases_text(const std::vector<std::string>& names, const std::string& server,
                           std::string_view lookup) {
  const auto plain = [](const std::string& name) {
    return std::ranges::all_of(name, [](unsigned char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    });
  };
  std::string out = "[databases]\n";
  for (const std::string& name : names)
    if (plain(name)) out += fmt::format("{} = {}{}\n", name, server, lookup);
  if (!names.empty() && std::ranges::all_of(names, plain)) return out;
  if (!names.empty())
    for (const char* name : {"postgres", "template1"})
      if (std::ranges::find(names, name) == names.end()) out += fmt::format("{} = {}\n", name, server);
  return out + fmt::format("* = {}{}\n", server, lookup);
}

struct Files {
  fs::path folder;
  fs::path ini() const { return folder / "pgbouncer.ini"; }
  fs::path hba() const { return folder / "pg_hba.conf"; }
  fs::path users() const { return folder / "userlist.txt"; }
  fs::path pid() const { return folder / "pgbouncer.pid"; }
};

/// The line with the address `all`, which older PgBouncers do not know, as what it means here.
std::string with_plain_address(std::string_view line) {
  constexpr int kAddress = 3;
  bool quoted = false, space = true;
  int field = -1;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') quoted = !quoted;
    const bool is_space = !quoted && (c == ' ' || c == '\t');
    if (!is_space && space) ++field;
    if (!is_space && space && field == kAddress && line.substr(i).starts_with("all") &&
        i + 3 < line.size() && (line[i + 3] == ' ' || line[i + 3] == '\t'))
      return fmt::format("{}0.0.0.0/0{}", line.substr(0, i), line.substr(i + 3));
    space = is_space;
  }
  return std::string(line);
}

constexpr std::string_view kUserBegin = "\"cnpg_pooler_pgbouncer\" \"", kUserEnd = "\"\n";

/// userlist.txt has the auth_user only. PgBouncer enters the server by its certificate and never uses
/// this password, but takes it from clients, and an empty one too: it is random, and kept.
std::string users_text(const fs::path& file) {
  struct stat status {};
  std::string held = text_or_empty(file);
  const bool ours = stat(file.c_str(), &status) == 0 && (status.st_mode & 07777) == 0600 &&
                    held.size() == kUserBegin.size() + secrets::kPasswordLength + kUserEnd.size() &&
                    held.starts_with(kUserBegin) && held.ends_with(kUserEnd);
  if (!ours) held = fmt::format("{}{}{}", kUserBegin, secrets::PasswordSource().next().view(), kUserEnd);
  return held;
}

/// Writes the pooler's files; true when the running pooler has not taken all of them.
Result<bool> write_files(const Files& files, const std::string& ini, const Value& spec) {
  if (auto made = make_folders(files.folder); !made) return std::move(made).error();
  const Pending pending(files.folder);
  for (const auto& [path, content] :
       {std::pair(files.ini(), ini), std::pair(files.hba(), pooler_hba(spec)),
        std::pair(files.users(), users_text(files.users()))}) {
    if (text_or_empty(path) == content) continue;
    if (auto set = pending.set(); !set) return std::move(set).error();
    if (auto written = write_atomically(path, content, 0600); !written) return std::move(written).error();
  }
  return pending.is_set();
}

Status start(const Tool& tool, const PoolerHost& host, std::string_view name, int port) {
  const Files files{host.layout->pooler(host.cluster, name)};
  const fs::path log = host.layout->log(host.cluster, fmt::format("pooler-{}", name));
  if (!is_free("127.0.0.1", port))
    return Error{fmt::format("the port 127.0.0.1:{} of pooler {} is taken by {}", port, name,
                             listener("127.0.0.1", port)),
                 "end that program, or up with --new-ports"};
  if (auto made = make_folders(log.parent_path()); !made) return made;
  std::error_code ignored;
  const auto said_before = fs::file_size(log, ignored);
  fs::remove(files.pid(), ignored);
  auto pid = start_server({.words = {tool.path, files.ini().string()}, .folder = files.folder}, log);
  if (!pid) return std::move(pid).error();
  const bool ready = wait_until(
      [&] { return running(files.pid(), "pgbouncer", files.folder).has_value() && !is_free("127.0.0.1", port); }, 60s, *pid);
  if (ready && is_alive(*pid)) return Ok{};
  if (is_interrupted()) {  // its pid file may not be there yet
    stop_process(*pid, SIGTERM, 10s);
    return Error{fmt::format("the start of pooler {} was interrupted", name), ""};
  }
  std::string said = text_or_empty(log);
  if (said_before <= said.size()) said.erase(0, said_before);
  return Error{fmt::format("pooler {} does not start:\n{}", name, tail(said)), "its whole log: " + log.string()};
}

/// What a reload leaves as it was: the port, and databases that were entered by the wildcard.
bool needs_restart(std::string_view before, std::string_view now) {
  const auto line = [](std::string_view ini, std::string_view begin) {
    const size_t at = ini.find(begin);
    return at == ini.npos ? std::string_view() : ini.substr(at, ini.find('\n', at + 1) - at);
  };
  return line(before, "\nlisten_port = ") != line(now, "\nlisten_port = ") ||
         (!line(before, "\n* = ").empty() && line(before, "\n* = ") != line(now, "\n* = "));
}

Status bring_up_one(const Tool& tool, const PoolerHost& host, const Value& object, std::string_view name,
                    int port, const PoolerNews& news) {
  const Value& spec = *object.find("spec");
  const Files files{host.layout->pooler(host.cluster, name)};
  const std::string ini = pooler_config(host, spec, name, port, tool.version, news.notices);
  const std::string before = text_or_empty(files.ini());
  auto changed = write_files(files, ini, spec);
  if (!changed) return std::move(changed).error();
  auto pid = running(files.pid(), "pgbouncer", files.folder);
  if (!pid && !is_free("127.0.0.1", port)) {
    // Perhaps one that a killed run started, and that has not written its pid file yet.
    wait_until([&] { return (pid = running(files.pid(), "pgbouncer", files.folder)) || is_free("127.0.0.1", port); }, 2s);
  }
  if (!pid) {
    if (auto started = start(tool, host, name, port); !started) return started;
    news.done.push_back(fmt::format("pooler {} started", name));
  } else if (*changed && needs_restart(before, ini)) {
    if (auto stopped = stop_pooler(*host.layout, host.cluster, name); !stopped) return std::move(stopped).error();
    if (auto started = start(tool, host, name, port); !started) return started;
    news.done.push_back(fmt::format("pooler {} restarted", name));
  } else if (*changed) {
    kill(*pid, SIGHUP);
    news.done.push_back(fmt::format("pooler {} reloaded", name));
  }
  Pending(files.folder).clear();
  return Ok{};
}

}  // namespace

std::string pooler_hba(const Value& spec) {
  // Whatever the file's lines say: the engine's own roles log in to the server by certificate only, and PgBouncer
  // itself makes a user "pgbouncer" with an empty password for its console.
  std::string out;
  for (const char* role : {"cnpg_pooler_pgbouncer", "streaming_replica", "pgbouncer"})
    out += fmt::format("host all \"{}\" 0.0.0.0/0 reject\n", role);
  const Value* lines = spec.find_path({"pgbouncer", "pg_hba"});
  if (lines == nullptr || lines->items().empty()) return out + "host all all 0.0.0.0/0 scram-sha-256\n";
  for (const Value& line : lines->items()) out += with_plain_address(line.text()) + "\n";
  return out;
}

bool asks_in_one_database(Version pgbouncer) { return pgbouncer >= Version{1, 19}; }

std::vector<std::string> lookup_function() {
  return {
      "REVOKE ALL ON SCHEMA cnpg_dbm FROM PUBLIC",
      "GRANT USAGE ON SCHEMA cnpg_dbm TO cnpg_pooler_pgbouncer",
      "CREATE OR REPLACE FUNCTION cnpg_dbm.user_search(uname text) RETURNS TABLE (usename name, passwd text) "
      "LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
      "'SELECT rolname, rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin "
      // PgBouncer takes the word "md5" for the password of a role that has none.
      "AND rolpassword IS NOT NULL "
      "AND (rolvaliduntil IS NULL OR rolvaliduntil > now())'",
      "ALTER FUNCTION cnpg_dbm.user_search(text) OWNER TO postgres",
      "REVOKE ALL ON FUNCTION cnpg_dbm.user_search(text) FROM PUBLIC",
      "GRANT EXECUTE ON FUNCTION cnpg_dbm.user_search(text) TO cnpg_pooler_pgbouncer",
  };
}

std::string pooler_config(const PoolerHost& host, const Value& spec, std::string_view name, int port,
                          Version pgbouncer, std::vector<std::string>& notices) {
  const Files files{host.layout->pooler(host.cluster, name)};
  const std::string query = text_at(spec, {"pgbouncer", "authQuery"}).empty()
                                ? "SELECT usename, passwd FROM cnpg_dbm.user_search($1)"
                                : std::string(text_at(spec, {"pgbouncer", "authQuery"}));
  std::string out = "; Written by cnpg-dbm from the values file.\n";
  out += databases_text(
      host.databases,
      fmt::format("host={} port={}", hosts(host, text_at(spec, {"type"}), notices, name), host.port),
      asks_in_one_database(pgbouncer) ? " auth_user=cnpg_pooler_pgbouncer auth_dbname=postgres"
                                      : " auth_user=cnpg_pooler_pgbouncer");
  out += "\n[pgbouncer]\n";
  std::map<std::string, std::string> options = {{"client_tls_sslmode", "prefer"},
                                                {"ignore_startup_parameters", "extra_float_digits,options"},
                                                // With several hosts PgBouncer cannot check names; the
                                                // authority is this cluster's own.
                                                {"server_tls_sslmode", "verify-ca"}};
  if (const Value* given = spec.find_path({"pgbouncer", "parameters"}))
    for (const yaml::Member& m : given->members()) {
      if (knows(m.key, pgbouncer))
        options[std::string(m.key)] = m.value.text();
      else
        notices.push_back(fmt::format("pooler {}: PgBouncer {}.{} does not know {}, it is left out", name,
                                      pgbouncer.major, pgbouncer.minor, m.key));
    }
  const std::map<std::string, std::string> ours = {
      {"auth_file", files.users().string()},
      {"auth_hba_file", files.hba().string()},
      {"auth_query", query},
      {"auth_type", "hba"},
      {"client_tls_ca_file", host.tls.ca()},
      {"client_tls_cert_file", host.tls.certificate("server")},
      {"client_tls_key_file", host.tls.key("server")},
      {"listen_addr", "127.0.0.1"},
      {"listen_port", std::to_string(port)},
      {"pidfile", files.pid().string()},
      {"pool_mode", std::string(text_at(spec, {"pgbouncer", "poolMode"}))},
      {"server_tls_ca_file", host.tls.ca()},
      {"server_tls_cert_file", host.tls.certificate("cnpg_pooler_pgbouncer")},
      {"server_tls_key_file", host.tls.key("cnpg_pooler_pgbouncer")},
      {"unix_socket_dir", ""},
  };
  for (const auto& [option, value] : ours) options[option] = value;
  for (const auto& [option, value] : options) out += fmt::format("{} = {}\n", option, value);
  if (const Value* paused = spec.find_path({"pgbouncer", "paused"});
      paused != nullptr && paused->as_bool().value_or(false))
    notices.push_back(fmt::format("pooler {}: paused is for Kubernetes, here it runs", name));
  return out;
}

Status bring_up_poolers(const PoolerHost& host, const spec::Cluster& cluster,
                        const std::vector<Value>& objects, std::map<std::string, int>& ports,
                        const PoolerNews& news) {
  for (auto it = ports.begin(); it != ports.end();) {
    if (std::ranges::any_of(cluster.poolers, [&](const auto& p) { return p.name == it->first; })) {
      ++it;
      continue;
    }
    auto stopped = stop_pooler(*host.layout, host.cluster, it->first);
    if (!stopped) return std::move(stopped).error();
    std::error_code ignored;
    fs::remove_all(host.layout->pooler(host.cluster, it->first), ignored);
    news.done.push_back(fmt::format("pooler {} removed", it->first));
    it = ports.erase(it);
  }
  if (cluster.poolers.empty()) return Ok{};
  const auto tool = find_pgbouncer();
  if (!tool) return tool.error();
  for (size_t i = 0; i < objects.size(); ++i) {
    const std::string name(cluster.poolers[i].name);
    if (auto up = bring_up_one(*tool, host, objects[i], name, ports.at(name), news); !up) return up;
  }
  return Ok{};
}

bool pooler_runs(const Layout& layout, std::string_view cluster, std::string_view pooler) {
  const Files files{layout.pooler(cluster, pooler)};
  return running(files.pid(), "pgbouncer", files.folder).has_value();
}

Result<bool> stop_pooler(const Layout& layout, std::string_view cluster, std::string_view pooler) {
  const Files files{layout.pooler(cluster, pooler)};
  const auto pid = running(files.pid(), "pgbouncer", files.folder);
  if (!pid) return false;
  if (stop_process(*pid, SIGTERM, 10s) || stop_process(*pid, SIGKILL, 10s)) return true;
  return Error{fmt::format("pooler {} (process {}) does not stop", pooler, *pid), ""};
}

}  // namespace dbm::local
