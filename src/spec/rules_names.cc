// Names: legal ones, and two things that would be one object.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/parameters.h"
#include "spec/checks.h"
#include "spec/names.h"
#include "spec/roles.h"
#include "spec/rules.h"
#include "spec/stores.h"

namespace dbm::spec {
namespace {

constexpr size_t kClusterNameLimit = 50;  // CNPG's webhook for Cluster
constexpr size_t kObjectNameLimit = 253;

// What the operator calls after a cluster, behind its name and a hyphen.
constexpr std::string_view kOperatorSecrets[] = {"app", "superuser", "ca", "server", "replication"};
constexpr std::string_view kOperatorServices[] = {"rw", "ro", "r"};

struct First {
  std::string_view name;
  Pos pos;
  std::string_view kind = {};
};
using Seen = std::unordered_map<std::string, First>;

void collide(const RuleContext& context, std::string_view code, Pos pos, std::string path,
             std::string message, std::string hint, Pos first) {
  if (pos && pos < first) std::swap(pos, first);  // told at the later one
  Diagnostic& d = context.out.error(code, pos, std::move(path), std::move(message),
                                    std::move(hint));
  d.related = first;
  d.related_message = "first here";
}

/// Two names that end as one object's name.
void check_object_name(const RuleContext& context, Seen& seen, std::string object,
                       std::string_view kind, std::string_view name, Pos pos, const auto& path) {
  if (!is_dns_subdomain(object))
    context.out.error(
        "bad-name", pos, path(),
        object.size() > kObjectNameLimit
            ? fmt::format("the {} would be called \"{}\", which has {} bytes; at most {} are legal",
                          kind, printable(object, 40), object.size(), kObjectNameLimit)
            : fmt::format("the {} would be called \"{}\", which Kubernetes does not allow", kind,
                          printable(object)),
        "only letters, digits, - and _ can become an object's name");
  const auto [first, fresh] = seen.emplace(std::move(object), First{name, pos, kind});
  if (fresh) return;
  const bool same = first->second.name == name && first->second.kind == kind;
  collide(context, same ? "duplicate-name" : "name-collision", pos, path(),
          same ? fmt::format("\"{}\" is here twice", printable(name))
               : fmt::format("\"{}\" and \"{}\" would both be the {} \"{}\"",
                             printable(first->second.name), printable(name), kind, first->first),
          same ? "names must differ" : "_ becomes - and upper case lower case; rename one of them",
          first->second.pos);
}

/// `secrets` gets the connection Secrets and the one of the backups.
void check_databases(const Cluster& c, const RuleContext& context, Seen& secrets) {
  Seen objects;
  objects.reserve(c.databases.size());
  // Connection Secrets of owners are told apart as their databases are; users' may be theirs.
  const bool has_users =
      std::ranges::any_of(c.databases, [](const Database& db) { return !db.users.empty(); });
  if (makes_backup_secret(c))
    secrets.emplace(backup_secret_name(c.name), First{"backup", c.pos("backup"), "credentials' Secret"});
  size_t i = 0;
  for (const Database& db : c.databases) {
    const auto path = [&] { return path_of(c, fmt::format("databases[{}].name", i)); };
    if (!db.name.empty()) {
      check_object_name(context, objects, database_object_name(c.name, db.name), "Database",
                        db.name, db.pos("name"), path);
      if (has_users && c.connection_secrets.create)
        secrets.emplace(connection_secret_name(c.name, db.name), First{db.name, db.pos("name"), "owner's Secret"});
    }
    ++i;
  }
  i = 0;
  for (const Database& db : c.databases) {
    std::unordered_map<std::string_view, Pos> names;
    size_t k = 0;
    for (const User& user : db.users) {
      const auto path = [&, k] {
        return path_of(c, fmt::format("databases[{}].users[{}].name", i, k));
      };
      ++k;
      const Pos pos = user.pos("name");
      const auto [first, fresh] = names.emplace(user.name, pos);
      if (!fresh)
        collide(context, "duplicate-name", pos, path(),
                fmt::format("the user \"{}\" is here twice", printable(user.name)), {},
                first->second);
      if (user.name == db.owner)
        context.out.error("user-is-owner", pos, path(),
                          fmt::format("\"{}\" owns this database already", printable(user.name)),
                          "leave the user out");
      else if (c.connection_secrets.create && fresh)
        check_object_name(context, secrets, user_secret_name(c.name, db.name, user.name), "Secret",
                          user.name, pos, path);
    }
    ++i;
  }
}

/// Roles whose Secrets would be one, and owners with two Secrets.
void check_role_secrets(const Cluster& c, const RuleContext& context, Seen& secrets) {
  secrets.reserve(c.databases.size());
  for (const ClusterRole& role : cluster_roles(c)) {
    if (!role.has_password || !role.existing_secret.empty()) continue;
    check_object_name(context, secrets, role_secret_name(c.name, role.name), "password Secret",
                      role.name, role.pos, [&] { return path_of(c, "databases"); });
  }
  std::unordered_map<std::string_view, First> existing;
  size_t i = 0;
  for (const Database& db : c.databases) {
    ++i;
    if (db.existing_secret.empty()) continue;
    const Pos pos = db.pos("existingSecret");
    const auto [first, fresh] = existing.emplace(db.owner, First{db.existing_secret, pos});
    if (fresh || first->second.name == db.existing_secret) continue;
    collide(context, "two-secrets", pos,
            path_of(c, fmt::format("databases[{}].existingSecret", i - 1)),
            fmt::format("the owner \"{}\" has two Secrets, \"{}\" and \"{}\"", printable(db.owner),
                        first->second.name, db.existing_secret),
            "a role has one password; name one Secret", first->second.pos);
  }
}

/// Attributes of roles.<name> for reserved roles, and login roles that cannot enter anywhere.
void check_own_roles(const Cluster& c, const RuleContext& context) {
  for (const auto& [name, pos, attributes] : c.roles) {
    if (is_keyword_role(name))
      context.out.error("reserved-name", pos, path_of(c, fmt::format("roles.{}", printable(name))),
                        fmt::format("the role \"{}\" is reserved", printable(name)),
                        "PostgreSQL refuses it, even in quotes; choose another name");
    if (cnpg::is_reserved_role(name))
      context.out.error("reserved-name", pos, path_of(c, fmt::format("roles.{}", printable(name))),
                        fmt::format("the role \"{}\" is reserved", printable(name)),
                        "CloudNativePG refuses it; choose another name");
    if (name.empty() || name.size() > 63)
      context.out.error("name-too-long", pos, path_of(c, "roles"),
                        fmt::format("a role's name has 1 to 63 bytes, this one {}", name.size()));
    const Tree* inner = attributes.find("name");
    if (inner != nullptr && inner->text() != name)
      context.out.error("name-collision", inner->pos(),
                        path_of(c, fmt::format("roles.{}.name", printable(name))),
                        "the key is the role's name", "leave `name` out");
  }
}

/// Whether one cluster's name goes on as another's with a hyphen between: only such two can make
/// objects of one name.
bool may_collide(const Values& values) {
  std::unordered_set<std::string_view> names;
  for (const auto& entry : values.clusters) names.insert(entry.key);
  return std::ranges::any_of(values.clusters, [&](const auto& entry) {
    for (size_t i = entry.key.find('-'); i != entry.key.npos; i = entry.key.find('-', i + 1))
      if (names.contains(entry.key.substr(0, i))) return true;
    return false;
  });
}

}  // namespace

void check_names(const Cluster& c, const RuleContext& context) {
  if (!is_dns_label(c.name, kClusterNameLimit))
    context.out.error("bad-name", c.name_pos, fmt::format("clusters.{}", printable(c.name)),
                      c.name.size() > kClusterNameLimit
                          ? fmt::format("a cluster's name has at most {} bytes, this one {}",
                                        kClusterNameLimit, c.name.size())
                          : fmt::format("\"{}\" is no legal name of a cluster", printable(c.name)),
                      "lower-case letters, digits and -, a letter or digit at both ends");
  Seen secrets;
  check_databases(c, context, secrets);
  check_role_secrets(c, context, secrets);
  check_own_roles(c, context);
}

/// Objects of different clusters that would be one: a-b's database c and a's database b-c.
void check_objects(const RuleContext& context) {
  if (!may_collide(context.values)) return;
  struct Kinds {
    Seen databases, poolers, secrets, services;
  } seen;
  const auto add = [&](Seen& objects, std::string object, std::string_view kind, const Cluster& c,
                       Pos pos, std::string path) {
    const auto [first, fresh] = objects.emplace(std::move(object), First{c.name, pos});
    if (fresh || first->second.name == c.name) return;
    collide(context, "name-collision", pos, std::move(path),
            fmt::format("the clusters \"{}\" and \"{}\" would both make the {} \"{}\"",
                        first->second.name, c.name, kind, first->first),
            "rename one of the clusters", first->second.pos);
  };
  for (const auto& entry : context.values.clusters) {
    const Cluster& c = entry.value;
    if (!c.enabled) continue;
    for (const std::string_view name : kOperatorSecrets)
      add(seen.secrets, fmt::format("{}-{}", c.name, name), "Secret", c, c.name_pos, fmt::format("clusters.{}", c.name));
    for (const std::string_view name : kOperatorServices)
      add(seen.services, fmt::format("{}-{}", c.name, name), "Service", c, c.name_pos, fmt::format("clusters.{}", c.name));
    if (makes_backup_secret(c))
      add(seen.secrets, backup_secret_name(c.name), "Secret", c, c.pos("backup"), path_of(c, "backup"));
    for (const Database& db : c.databases) {
      add(seen.databases, database_object_name(c.name, db.name), "Database", c, db.pos("name"),
          path_of(c, "databases"));
      if (c.connection_secrets.create)
        add(seen.secrets, connection_secret_name(c.name, db.name), "Secret", c, db.pos("name"),
            path_of(c, "databases"));
      if (c.connection_secrets.create)
        for (const User& user : db.users)
          add(seen.secrets, user_secret_name(c.name, db.name, user.name), "Secret", c, user.pos("name"),
              path_of(c, "databases"));
    }
    for (const ClusterRole& role : cluster_roles(c))
      if (role.has_password && role.existing_secret.empty())
        add(seen.secrets, role_secret_name(c.name, role.name), "Secret", c, role.pos,
            path_of(c, "databases"));
    for (const Pooler& p : c.poolers)
      add(seen.services, pooler_object_name(c.name, p.name), "Service", c, p.pos("name"),
          path_of(c, "poolers"));
    for (const Pooler& p : c.poolers)
      add(seen.poolers, pooler_object_name(c.name, p.name), "Pooler", c, p.pos("name"),
          path_of(c, "poolers"));
  }
}

}  // namespace dbm::spec
