#include "local/passwords.h"

#include <sys/stat.h>

#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "base/parallel.h"
#include "secrets/scram.h"
#include "yaml/reader.h"
#include "yaml/writer.h"

namespace dbm::local {
namespace {

using secrets::Secret;
using yaml::Value;

Secret secret(const Value& from, std::string_view key) {
  const Value* v = from.find(key);
  return Secret(v != nullptr ? std::string(v->text()) : std::string());
}

bool same(const Secret& a, std::string_view b) { return a.reveal() == b; }

}  // namespace

Result<Passwords> Passwords::load(const std::filesystem::path& file) {
  Passwords out;
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return out;
    return system_error("read " + file.string());
  }
  if ((status.st_mode & 077) != 0)
    return Error{fmt::format("others may read {}", file.string()), "chmod 600 it, and rotate what is in it"};
  auto text = read_text(file);
  if (!text) return std::move(text).error();
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  const auto tree = yaml::read(arena, sources, sources.add(file.string(), std::move(text).value()),
                               diagnostics);
  if (!tree || !tree->is_map())
    return Error{fmt::format("{} cannot be read as JSON", file.string()),
                 "restore it from a backup, or move it away: every role gets a new password"};
  for (const yaml::Member& cluster : tree->members())
    for (const yaml::Member& role : cluster.value.members())
      out.clusters_[std::string(cluster.key)][std::string(role.key)] = {
          secret(role.value, "password"), secret(role.value, "verifier")};
  return out;
}

bool Passwords::complete(const render::ClusterPlan& plan, const secrets::Deriver* deriver,
                         std::string_view ns) {
  const spec::Cluster& c = *plan.cluster;
  auto& roles = clusters_[std::string(c.name)];
  secrets::PasswordSource random;
  std::vector<RolePassword*> fresh;
  for (const spec::ClusterRole& role : plan.roles) {
    if (!role.has_password) continue;
    RolePassword& entry = roles[std::string(role.name)];
    if (deriver != nullptr) {
      const auto derived = deriver->password(ns, c.name, role.name, c.role_secrets.generation);
      if (same(entry.password, derived.view())) continue;
      entry.password = Secret(std::string(derived.view()));
    } else {
      if (!entry.password.empty()) continue;
      entry.password = Secret(std::string(random.next().view()));
    }
    fresh.push_back(&entry);
  }
  ordered_parallel(
      fresh.size(), worker_count(fresh.size()),
      [&](size_t i) {
        fresh[i]->verifier = Secret(secrets::scram_verifier(fresh[i]->password.reveal()));
        return i;
      },
      [](size_t) {});
  return !fresh.empty();
}

const RolePassword* Passwords::find(std::string_view cluster, std::string_view role) const {
  const auto roles = clusters_.find(cluster);
  if (roles == clusters_.end()) return nullptr;
  const auto found = roles->second.find(role);
  return found != roles->second.end() ? &found->second : nullptr;
}

void Passwords::forget(std::string_view cluster) {
  if (const auto found = clusters_.find(cluster); found != clusters_.end()) clusters_.erase(found);
}

Status Passwords::save(const std::filesystem::path& file) const {
  yaml::Arena arena;
  Value tree = Value::map(arena);
  for (const auto& [cluster, roles] : clusters_) {
    Value map = Value::map(arena, {}, roles.size());
    for (const auto& [name, entry] : roles) {
      Value role = Value::map(arena, {}, 2);
      role.append(arena, "password", Value::string(entry.password.reveal()));
      role.append(arena, "verifier", Value::string(entry.verifier.reveal()));
      map.append(arena, std::string_view(name), role);
    }
    tree.append(arena, std::string_view(cluster), map);
  }
  std::string text;
  yaml::write_json(text, tree, 1);
  if (text_or_empty(file) == text) {
    secrets::wipe(text);
    return Ok{};
  }
  // Verifiers in PostgreSQL survive a power cut, so must these.
  Status written = write_atomically(file, text, 0600, /*durable=*/true);
  secrets::wipe(text);
  return written;
}

}  // namespace dbm::local
