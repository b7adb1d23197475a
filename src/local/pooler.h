#pragma once

// PgBouncer for a cluster's poolers, set up as CloudNativePG sets it up: clients are authenticated
// with the verifiers that the server holds, asked for by the role cnpg_pooler_pgbouncer through a
// function (auth_query); pg_hba decides who may enter which database.

#include <map>
#include <string>
#include <vector>

#include "local/certificates.h"
#include "local/layout.h"
#include "local/programs.h"
#include "spec/values.h"
#include "yaml/value.h"

namespace dbm::local {

struct PoolerHost {
  const Layout* layout = nullptr;
  std::string cluster;
  Certificates tls;
  int port = 0;       // of the servers
  int instances = 1;  // on 127.0.0.1 (the primary), 127.0.0.2, …
  /// Those that clients may ask for; empty: any. PgBouncer turns others away by itself.
  std::vector<std::string> databases = {};
};

/// What was done, and what was left out. Appended to.
struct PoolerNews {
  std::vector<std::string>& notices;
  std::vector<std::string>& done;
};

/// pgbouncer.ini of one Pooler object's spec. Pure.
std::string pooler_config(const PoolerHost& host, const yaml::Value& spec, std::string_view name,
                          int port, Version pgbouncer, std::vector<std::string>& notices);

/// pg_hba.conf of one Pooler object's spec: nobody enters as the engine's own roles, then the spec's
/// lines. Pure.
std::string pooler_hba(const yaml::Value& spec);

/// Starts what does not run, reloads what changed, stops what the file no longer has. `objects` are
/// the Pooler objects in the order of cluster.poolers; `ports` has a port for each.
Status bring_up_poolers(const PoolerHost& host, const spec::Cluster& cluster,
                        const std::vector<yaml::Value>& objects, std::map<std::string, int>& ports,
                        const PoolerNews& news);

/// Stops the pooler if it runs; true when it did.
Result<bool> stop_pooler(const Layout& layout, std::string_view cluster, std::string_view pooler);
bool pooler_runs(const Layout& layout, std::string_view cluster, std::string_view pooler);

/// Statements that give a database what auth_query needs: run by a superuser in every database where
/// PgBouncer is older than 1.19 and asks there, else in `postgres` only.
std::vector<std::string> lookup_function();
/// True when auth_query can be asked in `postgres` for all databases (auth_dbname).
bool asks_in_one_database(Version pgbouncer);

}  // namespace dbm::local
