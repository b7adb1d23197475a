#include "local/status.h"

#include <algorithm>

#include <fmt/format.h>

#include "local/instance.h"
#include "local/pooler.h"
#include "local/ports.h"
#include "sql/connection.h"

namespace dbm::local {
namespace {

constexpr std::string_view kDatabases =
    "SELECT d.datname, r.rolname, pg_database_size(d.oid), "
    "(SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend' "
    "AND a.pid <> pg_backend_pid()), "
    "d.datconnlimit FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba "
    "WHERE NOT d.datistemplate ORDER BY d.datname <> 'postgres', d.datname";
constexpr std::string_view kLag =
    "SELECT application_name, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint "
    "FROM pg_stat_replication WHERE state = 'streaming'";
constexpr std::string_view kArchiver =
    "SELECT last_failed_wal FROM pg_stat_archiver WHERE last_failed_time > coalesce(last_archived_time, '-infinity') "
    "AND current_setting('archive_mode') <> 'off'";
constexpr std::string_view kConnections =
    "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity WHERE backend_type = 'client backend'";

void ask_primary(ClusterStatus& out, sql::Connection& connection) {
  out.version = fmt::format("{}.{}", connection.server_version() / 10000, connection.server_version() % 10000);
  const std::vector<sql::Statement> questions = {
      {std::string(kDatabases)}, {std::string(kLag)}, {std::string(kArchiver)}, {std::string(kConnections)}};
  const auto answers = connection.run_all(questions);
  if (const auto& rows = answers[0]; rows.ok())
    for (size_t i = 0; i < rows->size(); ++i)
      out.databases.push_back({.name = std::string(rows->at(i, 0)), .owner = std::string(rows->at(i, 1)),
                               .size = rows->integer(i, 2), .connections = rows->integer(i, 3),
                               .connection_limit = rows->integer(i, 4)});
  for (InstanceStatus& instance : out.instances) {
    if (instance.primary || !instance.runs) continue;
    instance.problem = "does not follow the primary";
    if (!answers[1].ok()) continue;
    for (size_t i = 0; i < answers[1]->size(); ++i)
      if (answers[1]->at(i, 0) == instance.name) {
        instance.problem.clear();
        instance.lag_bytes = answers[1]->integer(i, 1);
      }
  }
  if (answers[2].ok() && answers[2]->size() > 0)
    out.problems.push_back(fmt::format("archiving fails, last for {}", answers[2]->at(0, 0)));
  if (answers[3].ok() && answers[3]->integer(0, 0) * 100 > answers[3]->integer(0, 1) * 95)
    out.problems.push_back(fmt::format("{} of {} connections are in use", answers[3]->at(0, 0), answers[3]->at(0, 1)));
}

ClusterStatus status_of(const Layout& layout, const std::string& name, const ClusterState& state) {
  ClusterStatus out{.name = name, .version = {}, .port = state.port, .instances = {}, .databases = {}, .poolers = {},
                    .problems = {}};
  std::error_code error;
  for (int number = 1; std::filesystem::exists(layout.data(name, number), error); ++number) {
    Instance instance{.cluster = name, .number = number, .data = layout.data(name, number)};
    const bool runs = instance.pid().has_value();
    out.instances.push_back({.name = instance.name(), .address = address_of(number), .primary = number == 1,
                             .runs = runs, .problem = runs ? "" : "does not run", .lag_bytes = 0,
                             .log = layout.log(name, instance.name())});
  }
  for (const auto& [pooler, port] : state.poolers)
    out.poolers.push_back({pooler, port, pooler_runs(layout, name, pooler),
                           layout.log(name, fmt::format("pooler-{}", pooler))});
  if (out.instances.empty() || !out.instances[0].runs) return out;
  auto opened = sql::Connection::open({.host = layout.sockets(name, 1).string(), .port = state.port,
                                       .user = "postgres", .ssl_mode = "disable"});
  if (const auto* failure = std::get_if<sql::Failure>(&opened))
    out.instances[0].problem = failure->message;
  else
    ask_primary(out, std::get<sql::Connection>(opened));
  return out;
}

}  // namespace

bool ClusterStatus::healthy() const {
  return !instances.empty() && problems.empty() &&
         std::ranges::all_of(instances, [](const InstanceStatus& i) { return i.problem.empty(); }) &&
         std::ranges::all_of(poolers, &PoolerStatus::runs);
}

std::vector<ClusterStatus> status_of(const Layout& layout, const State& state) {
  std::vector<ClusterStatus> out;
  for (const auto& [name, cluster] : state.clusters) out.push_back(status_of(layout, name, cluster));
  return out;
}

}  // namespace dbm::local
