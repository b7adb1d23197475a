#include "release/passwords.h"

#include <optional>

#include <fmt/format.h>

#include "base/parallel.h"

namespace dbm::release {
namespace {

using spec::SecretSource;

/// With a key at hand, deriving is what a cluster gets that does not say otherwise.
bool derives(const spec::Cluster& cluster, bool has_key) {
  return cluster.role_secrets.source == SecretSource::kDerive ||
         (has_key && !cluster.role_secrets.has("source"));
}

}  // namespace

Result<Passwords> Passwords::make(const std::string& key_file, std::span<const render::ClusterPlan> clusters,
                                  std::string_view ns, const KnownPassword& known) {
  std::optional<secrets::Deriver> deriver;
  if (!key_file.empty()) {
    auto key = secrets::read_key_file(key_file);
    if (!key) return std::move(key).error();
    deriver.emplace(*key);
  }
  Passwords out;
  std::vector<const render::ClusterPlan*> wanted;
  for (const render::ClusterPlan& plan : clusters) {
    const spec::Cluster& cluster = *plan.cluster;
    if (!cluster.role_secrets.create || cluster.role_secrets.source == SecretSource::kExternal) continue;
    if (derives(cluster, deriver.has_value()) && !deriver)
      return Error{fmt::format("clusters.{}.roleSecrets.source is derive, and there is no key", cluster.name),
                   "give --password-key-file FILE; cnpg-dbm keygen makes one"};
    out.generated_ |= !derives(cluster, deriver.has_value()) && !plan.roles.empty();
    wanted.push_back(&plan);
  }
  const auto make = [&](size_t i) {
    const auto& [cluster, roles] = *wanted[i];
    const bool derive = derives(*cluster, deriver.has_value());
    secrets::PasswordSource random;
    std::vector<secrets::Password> made;
    made.reserve(roles.size());
    for (const spec::ClusterRole& role : roles)
      made.push_back(derive ? deriver->password(ns, cluster->name, role.name, cluster->role_secrets.generation)
                            : random.next());
    return std::pair(cluster, std::move(made));
  };
  ordered_parallel(wanted.size(), worker_count(wanted.size()), make,
                   [&](auto&& made) { out.made_.insert(std::move(made)); });
  if (known) out.keep_known(wanted, deriver.has_value(), known);
  return out;
}

void Passwords::keep_known(const std::vector<const render::ClusterPlan*>& clusters, bool has_key, const KnownPassword& known) {
  for (const render::ClusterPlan* plan : clusters) {
    if (derives(*plan->cluster, has_key)) continue;
    for (size_t i = 0; i < plan->roles.size(); ++i)
      if (auto password = known(spec::password_secret(*plan->cluster, plan->roles[i])))
        kept_.emplace(std::pair(plan->cluster, i), std::move(*password));
  }
}

std::string_view Passwords::of(const spec::Cluster& cluster, size_t role_index) const {
  if (!kept_.empty())
    if (const auto kept = kept_.find({&cluster, role_index}); kept != kept_.end()) return kept->second.reveal();
  const auto found = made_.find(&cluster);
  return found != made_.end() ? found->second[role_index].view() : std::string_view();
}

std::set<std::string, std::less<>> made_once(std::span<const render::ClusterPlan> clusters, bool has_key) {
  std::set<std::string, std::less<>> out;
  for (const auto& [cluster, roles] : clusters) {
    if (!cluster->role_secrets.create || cluster->role_secrets.source == SecretSource::kExternal || derives(*cluster, has_key)) continue;
    for (const spec::ClusterRole& role : roles)
      if (role.has_password && role.existing_secret.empty()) out.insert(spec::password_secret(*cluster, role));
  }
  return out;
}

}  // namespace dbm::release
