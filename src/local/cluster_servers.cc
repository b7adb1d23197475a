// The servers of a LocalCluster: the primary, what it must hold before tenants come, its replicas.

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/files.h"
#include "local/cluster.h"
#include "local/hba.h"
#include "local/pending.h"
#include "local/pooler.h"
#include "local/post_init.h"
#include "local/process.h"
#include "sql/own_schema.h"
#include "yaml/at.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using yaml::Value;

/// initdb's arguments: CloudNativePG's defaults, and what bootstrap.initdb says.
std::vector<std::string> initdb_options(const Value& spec) {
  struct Option {
    std::string_view field, argument, otherwise;
  };
  constexpr Option kOptions[] = {
      {"encoding", "--encoding", "UTF8"},       {"localeCollate", "--lc-collate", "C"},
      {"localeCType", "--lc-ctype", "C"},       {"walSegmentSize", "--wal-segsize", ""},
      {"localeProvider", "--locale-provider", ""}, {"icuLocale", "--icu-locale", ""},
      {"icuRules", "--icu-rules", ""},          {"builtinLocale", "--builtin-locale", ""},
  };
  const auto given = [&](std::string_view field) { return text_at(spec, {"bootstrap", "initdb", field}); };
  std::vector<std::string> out = {"--locale=C"};
  if (!given("locale").empty()) out = {fmt::format("--locale={}", given("locale"))};
  for (const Option& option : kOptions) {
    std::string_view value = given(option.field);
    if (value.empty() && (given("locale").empty() || option.field == "encoding")) value = option.otherwise;
    if (!value.empty()) out.push_back(fmt::format("{}={}", option.argument, value));
  }
  return out;
}

/// What the server does not take of its files: values, which it tells apart from those that wait for a
/// restart, and lines of pg_hba.conf.
constexpr std::string_view kRefused = R"(
  SELECT coalesce(string_agg(what, '; '), '') FROM (
    SELECT format('%s = %s', f.name, f.setting) AS what FROM pg_file_settings f
    WHERE f.error IS NOT NULL AND f.name IS NOT NULL AND NOT EXISTS
      (SELECT FROM pg_settings s WHERE s.name = lower(f.name) AND s.pending_restart)
    UNION ALL
    SELECT format('line %s of pg_hba.conf: %s', line_number, error) FROM pg_hba_file_rules
    WHERE error IS NOT NULL) refused)";

}  // namespace

sql::Target LocalCluster::admin(const std::string& database) const {
  return {.host = instances_.front().sockets.string(),
          .port = state_.port,
          .database = database,
          .user = "postgres",
          .ssl_mode = "disable"};
}

Result<sql::Connection> LocalCluster::connect_admin() const {
  auto opened = sql::Connection::open(admin());
  if (auto* failure = std::get_if<sql::Failure>(&opened))
    return Error{fmt::format("cannot administer the server: {}", failure->message), failure->hint};
  return std::move(std::get<sql::Connection>(opened));
}

/// Starts a server, or gives the one that runs what changed: by reload, by restart where a parameter
/// needs that.
Status LocalCluster::run_server(const Instance& instance, const Instance::Files& files) {
  const Instance::Texts before = instance.texts();
  auto changed = instance.write(instance.texts_of(files, tls_));
  if (!changed) return std::move(changed).error();
  const bool ran = instance.pid().has_value();
  if (ran && instance.running_port() != instance.port) {
    if (auto stopped = instance.stop(StopMode::kFast); !stopped) return stopped;
    if (auto started = instance.start(); !started) return started;
    did(fmt::format("{} restarted for port", instance.name()));
    Pending(instance.data).clear();
    return Ok{};
  }
  if (!ran) say(fmt::format("starting {}", instance.name()));
  if (auto started = instance.start(); !started) return started;
  if (!ran) {
    did(fmt::format("{} started", instance.name()));
    Pending(instance.data).clear();
    return Ok{};
  }
  if (!*changed) return Ok{};
  sql::Target target = admin();
  target.host = instance.sockets.string();
  auto opened = sql::Connection::open(target);
  if (auto* failure = std::get_if<sql::Failure>(&opened)) return failure->as_error();
  auto& connection = std::get<sql::Connection>(opened);
  // The postmaster reads its files when it gets the signal; a session tells what it knows of them.
  const auto text = [](const sql::Answer& answer) {
    return answer.ok() && answer->size() > 0 ? std::string(answer->at(0, 0)) : std::string();
  };
  const auto seconds =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (auto reloaded = instance.reload(); !reloaded) return reloaded;
  wait_until(
      [&] {
        return text(connection.run(fmt::format(
                   "SELECT pg_conf_load_time() >= to_timestamp({:.6f})", seconds))) == "t";
      },
      std::chrono::seconds(5));
  const std::string waiting = text(connection.run(
      "SELECT coalesce(string_agg(name, ', ' ORDER BY name), '') FROM pg_settings WHERE pending_restart"));
  const std::string broken = text(connection.run(std::string(kRefused)));
  if (!broken.empty()) {
    // Else the server would not start again, and the next run would find nothing to change.
    if (auto back = instance.write(before); !back) return std::move(back).error();
    if (auto reloaded = instance.reload(); !reloaded) return reloaded;
    return Error{fmt::format("PostgreSQL of {} refuses {}", instance.name(), broken),
                 "correct it in the values file; until then all is as it was"};
  }
  if (waiting.empty()) {
    did(fmt::format("{} reloaded", instance.name()));
    Pending(instance.data).clear();
    return Ok{};
  }
  say(fmt::format("restarting {} for {}", instance.name(), waiting));
  if (auto stopped = instance.stop(StopMode::kFast); !stopped) return stopped;
  if (auto started = instance.start(); !started) return started;
  did(fmt::format("{} restarted for {}", instance.name(), waiting));
  Pending(instance.data).clear();
  return Ok{};
}

Result<Instance::Files> LocalCluster::files() {
  auto known = KnownParameters::ask(postgres_, around_.layout->root() / "cache");
  if (!known) return std::move(known).error();
  Parameters parameters =
      parameters_of(source_.spec, *known, around_.machine, postgres_.libraries());
  std::ranges::move(parameters.notices, std::back_inserter(report_.notices));
  Instance::Files out{.parameters = std::move(parameters.values),
                      .hba = hba_text(source_.spec),
                      .ident = ident_text(source_.spec, around_.user)};
  const Backups backups = this->backups();
  if (!backups.enabled()) return out;
  if (auto configured = backups.configure(instances_.front()); !configured)
    return std::move(configured).error();
  auto archive = backups.parameters();
  if (!archive) return std::move(archive).error();
  out.parameters.merge(*archive);
  return out;
}

Status LocalCluster::make_primary() {
  const Instance& primary = instances_.front();
  auto exists = primary.exists();
  if (!exists) return std::move(exists).error();
  auto written = files();
  if (!written) return std::move(written).error();
  if (!*exists) {
    if (cluster_.recovery.enabled) {
      say("restoring");
      if (auto restored = restore_from_file(primary); !restored) return restored;
      did("restored from a backup");
    } else {
      say("initdb");
      if (auto made = primary.initialise(initdb_options(source_.spec)); !made) return made;
      did("created");
    }
  }
  if (auto runs = run_server(primary, *written); !runs) return runs;
  return forget_recovery(primary);
}

/// A restore leaves its settings in postgresql.auto.conf; a replica made of the primary would take
/// them for its own.
Status LocalCluster::forget_recovery(const Instance& primary) {
  const std::string settings = text_or_empty(primary.data / "postgresql.auto.conf");
  if (settings.find("recovery_target") == settings.npos && settings.find("restore_command") == settings.npos)
    return Ok{};
  auto connection = connect_admin();
  if (!connection) return std::move(connection).error();
  const auto recovers = [&] {
    const auto answer = connection->run("SELECT pg_is_in_recovery()");
    return answer.ok() && answer->flag(0, 0);
  };
  wait_until([&] { return !recovers(); }, std::chrono::minutes(5));  // its last checkpoint
  for (const char* name : {"restore_command", "recovery_target", "recovery_target_action", "recovery_target_inclusive",
                           "recovery_target_lsn", "recovery_target_name", "recovery_target_time",
                           "recovery_target_timeline", "recovery_target_xid"})
    if (const auto reset = connection->run(fmt::format("ALTER SYSTEM RESET {}", name)); !reset)
      return reset.failure().as_error();
  return primary.reload();
}

/// Readers must find on a replica what was made on the primary.
Status LocalCluster::wait_for_replicas() {
  if (source_.instances == 1 || report_.done.empty()) return Ok{};
  auto there = replayed(fmt::format("{}-%", cluster_.name), source_.instances - 1);
  if (!there) return std::move(there).error();
  if (!*there) report_.notices.push_back("the replicas are behind: see `cnpg-dbm status`");
  return Ok{};
}

Result<bool> LocalCluster::replayed(const std::string& names, int replicas) {
  auto connection = connect_admin();
  if (!connection) return std::move(connection).error();
  const auto now = connection->run("SELECT pg_current_wal_lsn()");
  if (!now) return now.failure().as_error();
  say("waiting for the replicas");
  const std::string question = fmt::format(
      "SELECT count(*) >= {} FROM pg_stat_replication WHERE application_name LIKE {} AND replay_lsn >= {}::pg_lsn",
      replicas, connection->literal(names), connection->literal(now->at(0, 0)));
  return wait_until(
      [&] {
        const auto answer = connection->run(question);
        return !answer.ok() || answer->flag(0, 0);
      },
      std::chrono::seconds(60));
}

/// What CloudNativePG's own instances hold: the roles of replication and of poolers.
Status LocalCluster::prepare() {
  auto connection = connect_admin();
  if (!connection) return std::move(connection).error();
  const auto missing = connection->run(
      "SELECT r, a FROM (VALUES ('streaming_replica', 'LOGIN REPLICATION'), "
      "('cnpg_pooler_pgbouncer', 'LOGIN')) AS w(r, a) WHERE NOT EXISTS "
      "(SELECT FROM pg_roles WHERE rolname = r)");
  if (!missing) return missing.failure().as_error();
  for (size_t i = 0; i < missing->size(); ++i) {
    const auto made = connection->run(
        fmt::format("CREATE ROLE {} {}", connection->identifier(missing->at(i, 0)), missing->at(i, 1)));
    if (!made) return made.failure().as_error();
  }
  if (cluster_.poolers.empty()) return Ok{};
  for (const char* database : {"postgres", "template1"})
    if (auto made = make_lookup_function(database); !made) return made;
  return Ok{};
}

/// What PgBouncer asks for verifiers, where it is missing or of an earlier version.
Status LocalCluster::make_lookup_function(const std::string& database) {
  auto opened = sql::Connection::open(admin(database));
  if (const auto* failure = std::get_if<sql::Failure>(&opened)) return failure->as_error();
  auto& connection = std::get<sql::Connection>(opened);
  const auto there = connection.run(sql::own_schema_statement());
  if (!there) return there.failure().as_error();
  const auto look = sql::read_own_schema(*there);
  if (auto refusal = sql::own_schema_refusal(look, database)) return *refusal;
  std::vector<sql::Statement> statements;
  for (std::string& text : sql::own_schema_changes(look, lookup_function())) statements.push_back({std::move(text)});
  for (const auto& answer : connection.run_together(statements))
    if (!answer) return answer.failure().as_error().about("database " + database);
  return Ok{};
}

Status LocalCluster::run_post_init() {
  const PostInit progress(instances_.front().data);
  const auto next = progress.next();
  if (!next) return next.error();
  if (!next->has_value()) return Ok{};
  const Value* sql = source_.spec.find_path({"bootstrap", "initdb", "postInitSQL"});
  const size_t count = sql != nullptr ? sql->items().size() : 0;
  if (**next >= count) return progress.finish();
  auto connection = connect_admin();
  if (!connection) return std::move(connection).error();
  for (size_t i = **next; i < count; ++i) {
    const auto run = connection->run_script(std::string(sql->items()[i].text()));
    if (!run)
      return Error{fmt::format("initdb.postInitSQL[{}]: {}", i, run.failure().message),
                   "correct it in the values file; the statements before it have run"};
    if (auto kept = progress.keep(i + 1); !kept) return kept;
  }
  did(fmt::format("postInitSQL run ({} statements)", count));
  return progress.finish();
}

Status LocalCluster::make_replicas() {
  const Instance& primary = instances_.front();
  std::optional<Instance::Files> written;
  for (const Instance& replica : instances_) {
    if (replica.is_primary()) continue;
    auto exists = replica.exists();
    if (!exists) return std::move(exists).error();
    if (!*exists) {
      say(fmt::format("copying the primary to {}", replica.name()));
      auto connection = connect_admin();
      if (!connection) return std::move(connection).error();
      const auto slot = connection->run(fmt::format(
          "SELECT pg_create_physical_replication_slot(n, true) FROM (VALUES ('dbm_{}')) v(n) "
          "WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = n)",
          replica.number));
      if (!slot) return slot.failure().as_error();
      if (auto copied = replica.copy_from(primary, tls_); !copied) return copied;
      did(fmt::format("{} created", replica.name()));
    }
    if (!written) {
      const size_t notices = report_.notices.size();
      auto made = files();
      if (!made) return std::move(made).error();
      report_.notices.resize(notices);  // told for the primary
      written = std::move(made).value();
    }
    written->primary_conninfo = fmt::format(  // Layout has refused quotes and backslashes
        "host={} port={} user=streaming_replica application_name={} sslmode=verify-full "
        "sslrootcert='{}' sslcert='{}' sslkey='{}'",
        primary.address, primary.port, replica.name(), tls_.ca(),
        tls_.certificate("streaming_replica"), tls_.key("streaming_replica"));
    if (auto runs = run_replica(replica, *written); !runs) return runs;
  }
  return Ok{};
}

/// A replica does not start with less than its primary had when the WAL was written that it replays
/// next: what is lowered on the primary is lowered here when that is replayed.
Status LocalCluster::run_replica(const Instance& replica, const Instance::Files& files) {
  if (replica.pid() && replica.texts() == replica.texts_of(files, tls_)) return Ok{};
  auto needed = replica.not_below(files.parameters);
  if (!needed) return std::move(needed).error();
  if (!needed->empty()) {
    Instance::Files careful = files;
    for (auto& [parameter, value] : *needed) careful.parameters[parameter] = std::move(value);
    if (auto runs = run_server(replica, careful); !runs) return runs;
    if (auto there = replayed(replica.name(), 1); !there) return std::move(there).error();
  }
  return run_server(replica, files);
}

Status LocalCluster::remove_replicas(int first) {
  for (int number = first;; ++number) {
    const Instance replica = instance(number);
    auto exists = replica.exists();
    if (!exists) return std::move(exists).error();
    if (!*exists) return Ok{};
    if (auto stopped = replica.stop(StopMode::kFast); !stopped) return stopped;
    std::error_code error;
    fs::remove_all(replica.data, error);
    if (error)
      return Error{fmt::format("cannot remove {}: {}", replica.data.string(), error.message()), ""};
    did(fmt::format("{} removed", replica.name()));
  }
}

Status LocalCluster::drop_surplus_replicas() {
  const int first = source_.instances + 1;
  auto exists = instance(first).exists();
  if (!exists) return std::move(exists).error();
  if (!*exists) return Ok{};
  if (auto removed = remove_replicas(first); !removed) return removed;
  auto connection = connect_admin();
  if (!connection) return std::move(connection).error();
  // Ours are called dbm_<number>; an abandoned one would keep WAL for ever.
  const auto dropped = connection->run(fmt::format(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
      "WHERE slot_name ~ '^dbm_[0-9]+$' AND substr(slot_name, 5)::int >= {} AND NOT active", first));
  return dropped.ok() ? Status(Ok{}) : Status(dropped.failure().as_error());
}

}  // namespace dbm::local
