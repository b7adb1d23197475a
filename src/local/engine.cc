#include "local/engine.h"

#include <signal.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/files.h"
#include "base/parallel.h"
#include "local/folders.h"
#include "local/identity.h"
#include "local/pooler.h"
#include "local/process.h"
#include "render/collect.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;

/// PgBouncer asks for verifiers in `postgres`; before 1.19, in the database that the client wants to
/// enter.
void let_poolers_ask(sql::Desired& desired) {
  const auto tool = find_pgbouncer();
  if (!tool) return;
  const auto add = [](std::vector<std::string>& entrants) {
    const std::string role = "cnpg_pooler_pgbouncer";
    const auto place = std::ranges::lower_bound(entrants, role);
    if (place == entrants.end() || *place != role) entrants.insert(place, role);
  };
  if (asks_in_one_database(tool->version)) return add(desired.maintenance_entrants["postgres"]);
  for (auto& [database, entrants] : desired.maintenance_entrants) add(entrants);
  for (sql::Database& db : desired.databases) {
    db.own_schema = lookup_function();
    add(db.entrants);
  }
}

/// The instances of a cluster that have a data folder, by number.
std::vector<int> found_instances(const Layout& layout, std::string_view cluster) {
  std::vector<int> out;
  for (const fs::path& path : files_in(layout.cluster(cluster))) {
    const std::string name = path.filename();
    constexpr std::string_view kPrefix = "instance-";
    if (!name.starts_with(kPrefix) || name.find('.') != name.npos) continue;
    out.push_back(std::atoi(name.c_str() + kPrefix.size()));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options) {
  Layout layout(options.dir);
  if (!options.pg_bin.empty()) {  // before the working folder changes
    std::error_code error;
    options.pg_bin = fs::absolute(options.pg_bin, error);
    if (error) return Error{fmt::format("cannot find {}: {}", options.pg_bin, error.message()), ""};
  }
  if (auto became = become_unprivileged(layout, options.user, true); !became) return std::move(became).error();
  if (auto made = layout.make(); !made) return std::move(made).error();
  auto lock = Lock::take(layout.lock(), options.command, options.patience, options.waiting);
  if (!lock) return std::move(lock).error();
  auto state = State::load(layout.state());
  if (!state) return std::move(state).error();
  auto passwords = Passwords::load(layout.passwords());
  if (!passwords) return std::move(passwords).error();
  std::unique_ptr<Engine> engine(new Engine(std::move(options), std::move(layout), std::move(lock).value()));
  engine->state_ = std::move(state).value();
  engine->passwords_ = std::move(passwords).value();
  return engine;
}

int Engine::instances_of(const yaml::Value& spec) const {
  constexpr int kMost = 9;  // addresses that the certificates name
  const yaml::Value* given = spec.find("instances");
  const int64_t instances = given != nullptr ? given->as_int().value_or(1) : 1;
  const int64_t wanted = options_.replicas ? *options_.replicas + 1 : instances;
  return static_cast<int>(std::clamp<int64_t>(wanted, 1, kMost));
}

ClusterSource Engine::source(yaml::Arena& arena, const Wanted& wanted,
                             const render::ClusterPlan& plan) const {
  ClusterSource out{.values = wanted.values, .plan = &plan};
  const auto cluster = render::collect(arena, *wanted.values, plan, wanted.options, "Cluster");
  out.spec = *cluster.front().find("spec");
  out.poolers = render::collect(arena, *wanted.values, plan, wanted.options, "Pooler");
  out.desired = sql::desired_of(*wanted.values, plan, wanted.options);
  if (!out.poolers.empty()) let_poolers_ask(out.desired);
  out.instances = instances_of(out.spec);
  return out;
}

Status Engine::make_passwords(const Wanted& wanted) {
  bool changed = false;
  for (const render::ClusterPlan& plan : wanted.clusters) {
    const spec::RoleSecrets& secrets = plan.cluster->role_secrets;
    const bool derive = secrets.source == spec::SecretSource::kDerive ||
                        (wanted.deriver != nullptr && !secrets.has("source"));
    if (derive && wanted.deriver == nullptr)
      return Error{fmt::format("clusters.{}.roleSecrets.source is derive, and there is no key",
                               plan.cluster->name),
                   "give --password-key-file FILE; cnpg-dbm keygen makes one"};
    changed |= passwords_.complete(plan, derive ? wanted.deriver : nullptr, wanted.options.ns);
  }
  return changed ? passwords_.save(layout_.passwords()) : Status(Ok{});
}

Result<Surroundings> Engine::surroundings(const Wanted& wanted) {
  auto installed = find_postgres(options_.pg_bin);
  if (!installed) return std::move(installed).error();
  Surroundings around{.layout = &layout_,
                      .passwords = &passwords_,
                      .installed = std::move(installed).value(),
                      .machine = {.memory = Machine::physical_memory(), .servers = 0},
                      .user = user_name(),
                      .everything = options_.everything,
                      .remote_backups = options_.remote_backups,
                      .progress = options_.progress};
  around.save = [this](std::string_view cluster, const ClusterState& state) {
    const std::lock_guard lock(mutex_);
    state_.clusters[std::string(cluster)] = state;
    return state_.save(layout_.state());
  };
  yaml::Arena arena;
  for (const render::ClusterPlan& plan : wanted.clusters)
    around.machine.servers += instances_of(
        *render::collect(arena, *wanted.values, plan, wanted.options, "Cluster").front().find("spec"));
  return around;
}

Result<std::vector<Engine::Outcome>> Engine::up(const Wanted& wanted) {
  auto around = surroundings(wanted);
  if (!around) return std::move(around).error();
  if (auto made = make_passwords(wanted); !made) return std::move(made).error();
  std::vector<Outcome> out;
  ordered_parallel(
      wanted.clusters.size(), worker_count(wanted.clusters.size()),
      [&](size_t i) {
        const render::ClusterPlan& plan = wanted.clusters[i];
        yaml::Arena arena;
        const ClusterSource source = this->source(arena, wanted, plan);
        ClusterState state;
        {
          const std::lock_guard lock(mutex_);
          state = state_.clusters[std::string(plan.cluster->name)];
        }
        if (options_.new_ports) {  // what runs, runs on the old ones
          if (auto stopped = stop(std::string(plan.cluster->name)); !stopped)
            return Outcome{std::string(plan.cluster->name), std::move(stopped).error()};
          state.port = 0;
          for (auto& [pooler, port] : state.poolers) port = 0;
        }
        LocalCluster cluster(*around, source, std::move(state));
        return Outcome{std::string(plan.cluster->name), cluster.up()};
      },
      [&](Outcome&& outcome) { out.push_back(std::move(outcome)); });
  return out;
}

void Engine::interrupt() const {
  local::interrupt();
  // Statements end with their server. The state is up()'s, so the folders tell which there are.
  for (const fs::path& folder : files_in(layout_.root() / "clusters")) {
    const std::string cluster = folder.filename();
    for (const int number : found_instances(layout_, cluster)) {
      const Instance instance{.cluster = cluster, .number = number, .data = layout_.data(cluster, number)};
      if (const auto pid = instance.pid()) kill(*pid, SIGINT);  // a fast shutdown
    }
  }
}

namespace {
Error no_such_cluster(std::string_view cluster) {
  return {fmt::format("the values file has no enabled cluster {}", cluster), "look at its `clusters`"};
}
}  // namespace

Result<Engine::Outcome> Engine::restore(const Wanted& wanted, std::string_view name,
                                        const RestorePoint& point) {
  for (const render::ClusterPlan& plan : wanted.clusters) {
    if (plan.cluster->name != name) continue;
    auto around = surroundings(wanted);
    if (!around) return std::move(around).error();
    if (auto made = make_passwords(wanted); !made) return std::move(made).error();
    yaml::Arena arena;
    const ClusterSource source = this->source(arena, wanted, plan);
    LocalCluster cluster(*around, source, state_.clusters[std::string(name)]);
    return Outcome{std::string(name), cluster.restore(point)};
  }
  return no_such_cluster(name);
}

Status Engine::back_up(const Wanted& wanted, std::string_view name, std::string_view type) {
  for (const render::ClusterPlan& plan : wanted.clusters) {
    if (plan.cluster->name != name) continue;
    auto around = surroundings(wanted);
    if (!around) return std::move(around).error();
    yaml::Arena arena;
    const ClusterSource source = this->source(arena, wanted, plan);
    LocalCluster cluster(*around, source, state_.clusters[std::string(name)]);
    return cluster.back_up(type);
  }
  return no_such_cluster(name);
}

std::vector<std::string> Engine::clusters() const {
  std::set<std::string> names;
  for (const auto& [name, state] : state_.clusters) names.insert(name);
  for (const fs::path& path : files_in(layout_.root() / "clusters")) names.insert(path.filename());
  return {names.begin(), names.end()};
}

bool Engine::runs(const std::string& cluster) const {
  const auto state = state_.clusters.find(cluster);
  if (state != state_.clusters.end())
    for (const auto& [pooler, port] : state->second.poolers)
      if (!pooler_runs(layout_, cluster, pooler)) return false;
  const auto numbers = found_instances(layout_, cluster);
  return std::ranges::all_of(numbers, [&](int number) {
    return Instance{.cluster = cluster, .number = number, .data = layout_.data(cluster, number)}.pid().has_value();
  });
}

Result<bool> Engine::stop(const std::string& cluster) {
  bool any = false;
  std::map<std::string, int> poolers;
  {
    const std::lock_guard lock(mutex_);
    if (const auto state = state_.clusters.find(cluster); state != state_.clusters.end())
      poolers = state->second.poolers;
  }
  for (const auto& [pooler, port] : poolers) {
    auto stopped = stop_pooler(layout_, cluster, pooler);
    if (!stopped) return stopped;
    any |= *stopped;
  }
  // The primary first: it waits until its replicas have everything.
  for (const int number : found_instances(layout_, cluster)) {
    Instance instance{.cluster = cluster, .number = number, .data = layout_.data(cluster, number)};
    instance.log = layout_.log(cluster, instance.name());
    if (!instance.pid()) continue;
    if (auto stopped = instance.stop(StopMode::kFast); !stopped) return std::move(stopped).error();
    any = true;
  }
  return any;
}

Status Engine::remove(const std::string& cluster) {
  if (auto stopped = stop(cluster); !stopped) return std::move(stopped).error();
  std::error_code error;
  for (const fs::path& path : {layout_.cluster(cluster), layout_.connections(cluster)}) {
    fs::remove_all(path, error);
    if (error) return Error{fmt::format("cannot remove {}: {}", path.string(), error.message()), ""};
  }
  for (int number = 1; fs::exists(layout_.sockets(cluster, number), error); ++number)
    fs::remove_all(layout_.sockets(cluster, number), error);
  fs::remove(layout_.sockets(cluster, 1).parent_path(), error);  // where it is empty: it may be in /tmp
  state_.clusters.erase(cluster);
  passwords_.forget(cluster);
  if (auto saved = passwords_.save(layout_.passwords()); !saved) return saved;
  return state_.save(layout_.state());
}

std::vector<Way> Engine::ways(const render::ClusterPlan& plan) const {
  const auto found = state_.clusters.find(std::string(plan.cluster->name));
  if (found == state_.clusters.end()) return {};
  return ways_into({.layout = &layout_, .passwords = &passwords_, .ca = {}, .port = found->second.port,
                    .poolers = &found->second.poolers},
                   plan);
}

}  // namespace dbm::local
