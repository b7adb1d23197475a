#pragma once

// What a PostgreSQL server should hold for one cluster of the values file: roles, databases and who
// may enter them. Taken from the objects that CloudNativePG would get (so that everything passed
// through to it counts here too) and from the file's own keys that have no place there (users'
// access, limits, isolation). Owns its texts. Read-only once made: any thread.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "render/render.h"
#include "spec/values.h"

namespace dbm::sql {

/// A role as CloudNativePG's managed roles describe it (Cluster.spec.managed.roles[]).
struct Role {
  std::string name;
  bool present = true;
  bool login = false, superuser = false, createdb = false, createrole = false, inherit = true,
       replication = false, bypassrls = false;
  int64_t connection_limit = -1;
  std::string valid_until;  // as PostgreSQL writes it in UTC (timestamp.h); empty: for ever
  std::optional<std::string> comment;
  std::vector<std::string> in_roles;  // sorted
  bool has_password = false;          // one of ours; its verifier is given to converge() apart
  bool disable_password = false;      // PASSWORD NULL
  bool tenant = false;                // owner or user of a database
};

struct Schema {
  std::string name, owner;
  bool present = true;
};

struct Extension {
  std::string name, version, schema;  // empty: the server's choice
  bool present = true;
};

/// A schema that engines keep for themselves: users get nothing in it.
inline constexpr std::string_view kOwnSchema = "cnpg_dbm";

enum class Access : uint8_t { kRead, kWrite };

struct User {
  std::string name;
  Access access = Access::kRead;
};

/// Database.spec, and `users` and `limits` of the values file.
struct Database {
  std::string name, owner;
  bool present = true;
  bool drop_when_gone = false;  // reclaimPolicy: delete
  // CREATE DATABASE's options, immutable afterwards; empty: the server's default.
  std::string encoding, locale, locale_provider, lc_collate, lc_ctype, icu_locale, icu_rules,
      builtin_locale, collation_version, template_name, tablespace;
  std::optional<bool> is_template, allow_connections;
  std::optional<int64_t> connection_limit;
  std::vector<Schema> schemas;
  std::vector<Extension> extensions;
  /// Statements that fill kOwnSchema; they may run again over what they made. Empty: it is not wanted.
  std::vector<std::string> own_schema;
  std::vector<User> users;
  /// Fields of Database.spec that are asked for and that converge() does not make: "fdws", "servers".
  std::vector<std::string> not_made;
  /// ALTER ROLE … IN DATABASE … SET: parameter and value, for owner and users.
  std::map<std::string, std::string> settings;
  /// Every role that may enter: owner, users, isolation.allow. Sorted.
  std::vector<std::string> entrants;
};

struct Desired {
  std::string cluster;
  bool isolated = true;             // isolation.enabled
  std::vector<Role> roles;          // sorted by name
  std::vector<Database> databases;  // in the order of the file
  /// isolation.allow for postgres and template1, which the file cannot make. Sorted.
  std::map<std::string, std::vector<std::string>> maintenance_entrants;
};

/// `plan` is one of render::plan_clusters(values).
Desired desired_of(const spec::Values& values, const render::ClusterPlan& plan,
                   const render::Options& options);

}  // namespace dbm::sql
