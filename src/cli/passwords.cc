#include "cli/passwords.h"

#include <optional>

#include <fmt/format.h>

#include "base/parallel.h"

namespace dbm::cli {
namespace {

using spec::SecretSource;

/// With a key at hand, deriving is what a cluster gets that does not say otherwise.
bool derives(const spec::Cluster& cluster, bool has_key) {
  return cluster.role_secrets.source == SecretSource::kDerive ||
         (has_key && !cluster.role_secrets.has("source"));
}

}  // namespace

Result<Passwords> Passwords::make(const PasswordFlags& flags,
                                  std::span<const render::ClusterPlan> clusters,
                                  std::string_view ns) {
  std::optional<secrets::Deriver> deriver;
  if (!flags.key_file.empty()) {
    auto key = secrets::read_key_file(flags.key_file);
    if (!key) return std::move(key).error();
    deriver.emplace(*key);
  }
  Passwords out;
  std::vector<const render::ClusterPlan*> wanted;
  for (const render::ClusterPlan& plan : clusters) {
    const spec::Cluster& cluster = *plan.cluster;
    if (!cluster.role_secrets.create || cluster.role_secrets.source == SecretSource::kExternal)
      continue;
    if (derives(cluster, deriver.has_value()) && !deriver)
      return Error{fmt::format("clusters.{}.roleSecrets.source is derive, and there is no key",
                               cluster.name),
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
      made.push_back(derive ? deriver->password(ns, cluster->name, role.name,
                                                cluster->role_secrets.generation)
                            : random.next());
    return std::pair(cluster, std::move(made));
  };
  ordered_parallel(wanted.size(), worker_count(wanted.size()), make,
                   [&](auto&& made) { out.made_.insert(std::move(made)); });
  return out;
}

std::string_view Passwords::of(const spec::Cluster& cluster, size_t role_index) const {
  const auto found = made_.find(&cluster);
  return found != made_.end() ? found->second[role_index].view() : std::string_view();
}

}  // namespace dbm::cli
