#include "cli/passwords.h"

#include <fmt/format.h>

namespace dbm::cli {

bool Passwords::derives(const spec::Cluster& cluster) const {
  // With a key at hand, deriving is what a cluster that does not say otherwise gets.
  return deriver_ && (cluster.role_secrets.source == spec::SecretSource::kDerive ||
                      !cluster.role_secrets.has("source"));
}

Result<Passwords> Passwords::open(const PasswordFlags& flags,
                                  std::span<const render::ClusterPlan> clusters, std::string ns) {
  Passwords passwords;
  passwords.ns_ = std::move(ns);
  if (!flags.key_file.empty()) {
    auto key = secrets::read_key_file(flags.key_file);
    if (!key) return std::move(key).error();
    passwords.deriver_.emplace(*key);
    return passwords;
  }
  for (const render::ClusterPlan& plan : clusters)
    if (plan.cluster->role_secrets.source == spec::SecretSource::kDerive)
      return Error{fmt::format("clusters.{}.roleSecrets.source is derive, and there is no key",
                               plan.cluster->name),
                   "give --password-key-file FILE; cnpg-dbm keygen makes one"};
  return passwords;
}

std::string_view Passwords::of(const spec::Cluster& cluster, size_t role_index,
                               const spec::ClusterRole& role) {
  auto& made = made_[&cluster];
  if (made.size() <= role_index) made.resize(role_index + 1);
  auto& password = made[role_index];
  if (!password) {
    if (derives(cluster)) {
      password = deriver_->password(ns_, cluster.name, role.name, cluster.role_secrets.generation);
    } else {
      password = source_->next();
      generated_ = true;
    }
  }
  return password->view();
}

}  // namespace dbm::cli
