#include "local/cluster.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/files.h"
#include "cnpg/image.h"
#include "local/connection_files.h"
#include "local/pending.h"
#include "local/pooler.h"
#include "local/ports.h"
#include "local/process.h"

namespace dbm::local {
namespace {

using yaml::Value;

constexpr std::string_view kClients[] = {"streaming_replica", "cnpg_pooler_pgbouncer"};

/// The major version that Cluster.spec asks for.
int wanted_major(const Value& spec) {
  if (const Value* major = spec.find_path({"imageCatalogRef", "major"}))
    return static_cast<int>(major->as_int().value_or(cnpg::kDefaultMajor));
  const Value* image = spec.find("imageName");
  const int major = image != nullptr ? cnpg::tag_major(cnpg::image_tag(image->text())) : 0;
  return major > 0 ? major : cnpg::kDefaultMajor;
}

Error in_cluster(Error error, std::string_view name) {
  return std::move(error).about(fmt::format("cluster {}", name));
}

}  // namespace

LocalCluster::LocalCluster(const Surroundings& around, const ClusterSource& source,
                           ClusterState state)
    : around_(around),
      source_(source),
      cluster_(*source.plan->cluster),
      state_(std::move(state)),
      tls_{around.layout->tls(cluster_.name)} {
  report_.name = cluster_.name;
}

void LocalCluster::say(std::string_view what) const {
  if (around_.progress) around_.progress(cluster_.name, what);
}

Instance LocalCluster::instance(int number) const {
  const Layout& layout = *around_.layout;
  Instance out{.cluster = std::string(cluster_.name),
               .number = number,
               .postgres = postgres_,
               .data = layout.data(cluster_.name, number),
               .sockets = layout.sockets(cluster_.name, number),
               .address = address_of(number),
               .port = state_.port};
  out.log = layout.log(cluster_.name, out.name());
  return out;
}

Result<ClusterReport> LocalCluster::up() {
  // Each step can be repeated; the ports are kept before anything listens on them.
  for (const auto step :
       {&LocalCluster::choose_postgres, &LocalCluster::choose_ports, &LocalCluster::save_state,
        &LocalCluster::make_certificates, &LocalCluster::make_primary, &LocalCluster::prepare,
        &LocalCluster::set_up_backup, &LocalCluster::run_post_init,
        &LocalCluster::drop_surplus_replicas, &LocalCluster::make_replicas, &LocalCluster::converge,
        &LocalCluster::wait_for_replicas, &LocalCluster::run_poolers,
        &LocalCluster::write_connections})
    if (auto done = is_interrupted() ? Status(Error{"interrupted", ""}) : (this->*step)(); !done) {
      if (auto saved = save_state(); !saved) return std::move(saved).error();
      return in_cluster(std::move(done).error(), cluster_.name);
    }
  if (auto saved = save_state(); !saved) return std::move(saved).error();
  return std::move(report_);
}

Status LocalCluster::choose_postgres() {
  const int wanted = wanted_major(source_.spec);
  const Postgres* chosen = choose(around_.installed, wanted);
  if (chosen == nullptr)
    return Error{"there is no PostgreSQL server on this machine",
                 "apt-get install postgresql, or give --pg-bin"};
  // A data folder is read by its own major version only.
  postgres_ = *chosen;
  const int found = instance(1).data_major();
  if (found != 0 && found != postgres_.major) {
    const auto same = std::ranges::find(around_.installed, found, &Postgres::major);
    if (same == around_.installed.end())
      return Error{fmt::format("its data is PostgreSQL {}'s, and that is not on this machine", found),
                   fmt::format("apt-get install postgresql-{}, or give --pg-bin", found)};
    postgres_ = *same;
    report_.notices.push_back(fmt::format("stays with PostgreSQL {}, whose data it holds", found));
  } else if (postgres_.major != wanted) {
    report_.notices.push_back(fmt::format("PostgreSQL {} is not on this machine, {} runs instead",
                                          wanted, postgres_.major));
  }
  report_.major = postgres_.major;
  return Ok{};
}

Status LocalCluster::choose_ports() {
  std::set<int> taken;
  const auto choose_for = [&](int& port, const std::string& name, int addresses) -> Status {
    if (port != 0) return Ok{};
    // Another folder's cluster of this name, made at the same time, should look elsewhere.
    auto chosen = choose_port(fmt::format("{}:{}", around_.layout->root().string(), name), addresses, taken);
    if (!chosen) return std::move(chosen).error();
    port = *chosen;
    return Ok{};
  };
  const std::string name(cluster_.name);
  if (auto done = choose_for(state_.port, name, source_.instances); !done) return done;
  taken.insert(state_.port);
  for (const spec::Pooler& pooler : cluster_.poolers) {
    int& port = state_.poolers[std::string(pooler.name)];
    if (auto done = choose_for(port, fmt::format("{}/{}", name, pooler.name), 1); !done) return done;
    taken.insert(port);
  }
  for (int number = 1; number <= source_.instances; ++number) instances_.push_back(instance(number));
  return Ok{};
}

Status LocalCluster::make_certificates() {
  constexpr int kAddresses = 9;  // enough for replicas that come later: no new certificate for each
  std::vector<std::string> addresses, clients(std::begin(kClients), std::end(kClients));
  for (int i = 1; i <= std::max(kAddresses, source_.instances); ++i) addresses.push_back(address_of(i));
  auto made = tls_.complete(addresses, clients);
  if (!made) return std::move(made).error();
  std::error_code error;
  if (!*made || !std::filesystem::exists(instances_.front().data, error)) return Ok{};
  did("certificates renewed");
  for (const Instance& instance : instances_)  // those that run must read them
    if (std::filesystem::exists(instance.data, error))
      if (auto set = Pending(instance.data).set(); !set) return set;
  for (const auto& [pooler, port] : state_.poolers)
    if (const auto folder = around_.layout->pooler(cluster_.name, pooler); std::filesystem::exists(folder, error))
      if (auto set = Pending(folder).set(); !set) return set;
  return Ok{};
}

Status LocalCluster::converge() {
  sql::ConvergeOptions options{.admin = admin(),
                               .connections = 4,
                               .known = state_.known,
                               .everything = around_.everything,
                               .progress = [&](size_t done, size_t all, std::string_view what) {
                                 say(fmt::format("{} ({} of {})", what, done, all));
                               }};
  const auto verifier = [&](std::string_view role) -> const secrets::Secret* {
    const RolePassword* found = around_.passwords->find(cluster_.name, role);
    return found != nullptr ? &found->verifier : nullptr;
  };
  auto converged = sql::converge(source_.desired, verifier, options);
  if (!converged) return std::move(converged).error();
  state_.known = std::move(converged->known);
  for (const sql::Done& done : converged->done) did(fmt::format("{} {}", done.object, done.action));
  report_.failed = std::move(converged->failed);
  report_.kept = std::move(converged->kept);
  return Ok{};
}

Status LocalCluster::run_poolers() {
  if (cluster_.poolers.empty() && state_.poolers.empty()) return Ok{};
  PoolerHost host{.layout = around_.layout, .cluster = std::string(cluster_.name), .tls = tls_,
                  .port = state_.port, .instances = source_.instances};
  if (source_.desired.isolated) {
    for (const sql::Database& db : source_.desired.databases)
      if (db.present) host.databases.push_back(db.name);
    for (const auto& [name, roles] : source_.desired.maintenance_entrants) host.databases.push_back(name);
  }
  return bring_up_poolers(host, cluster_, source_.poolers, state_.poolers,
                          {report_.notices, report_.done});
}

Status LocalCluster::write_connections() {
  auto changed = write_connection_files(
      {.layout = around_.layout, .passwords = around_.passwords, .ca = tls_.ca(),
       .port = state_.port, .poolers = &state_.poolers},
      *source_.plan, state_.connections);
  if (!changed) return std::move(changed).error();
  if (*changed) did("connection files written");
  return Ok{};
}

}  // namespace dbm::local
