#pragma once

// Ways into the databases of a local cluster, written for applications (all mode 0600):
//
//   connections/<cluster>/<database>.env    DATABASE_URL, JDBC_URL, PGHOST, PGPASSWORD, …
//                         <database>.json   the keys of the connection Secret on Kubernetes
//                         <database>@<user>.env, .json   for users[]
//   connections/<cluster>/pg_service.conf   a service for each, called as the files are, and one
//                         more for each pooler: <database>:<pooler>, <database>@<user>:<pooler>
//
// Names are sanitised as Kubernetes' are, and then hold neither @ nor `:`, so that no two ways share one.

#include <map>
#include <string>
#include <vector>

#include "local/layout.h"
#include "local/passwords.h"

namespace dbm::local {

struct Ways {
  const Layout* layout = nullptr;
  const Passwords* passwords = nullptr;
  std::string ca;
  int port = 0;
  const std::map<std::string, int>* poolers = nullptr;
};

/// One way in, for the table at the end of `up` and for `psql`.
struct Way {
  std::string cluster, database, role, pooler;  // pooler empty: directly
  std::string host;
  int port = 0;
  std::string file;    // the .env file
  secrets::Secret password;
};

/// The name of a way: of its files, and of its service. `user` empty: the owner; `pooler` empty: directly.
std::string connection_name(std::string_view database, std::string_view user, std::string_view pooler);

/// A URI; without the password when it is for a screen.
secrets::Secret uri_of(const Way& way, const std::string& ca);
std::string uri_without_password(const Way& way);

/// Every way into the cluster: databases in the order of the file, owner first, directly and through
/// each pooler.
std::vector<Way> ways_into(const Ways& ways, const render::ClusterPlan& plan);

/// Writes the files where `fingerprint` says that they are not these, and removes others; sets it.
/// True when something was written.
Result<bool> write_connection_files(const Ways& ways, const render::ClusterPlan& plan,
                                    std::string& fingerprint);

}  // namespace dbm::local
