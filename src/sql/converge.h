#pragma once

// Makes a server hold what it should: looks at the catalogs, plans (a pure function), and runs the
// plan - roles first, then databases, then what is inside each database, many at a time. Nothing
// that is right already is touched; nothing that the file does not name is removed.
//
// Shared by the local engine and by what runs inside Kubernetes.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sql/connection.h"
#include "sql/desired.h"

namespace dbm::sql {

/// The SCRAM verifier to store for a role; null when the role has no password of ours. Any thread.
using VerifierOf = std::function<const secrets::Secret*(std::string_view role)>;

struct ConvergeOptions {
  /// Connects as a superuser; the database is changed as needed.
  Target admin;
  unsigned connections = 4;  // at once
  /// What is inside a database (schemas, extensions, grants, default privileges) is looked at only
  /// where its fingerprint is not this one: OID of the database -> fingerprint of an earlier run.
  std::map<uint32_t, std::string> known = {};
  bool everything = false;  // as if nothing were known
  /// Called from the thread that called converge(), now and then.
  std::function<void(size_t done, size_t all, std::string_view what)> progress = {};
};

/// One thing that was done, or could not be. `object` is "role app", "database app",
/// "database app: extension postgis".
struct Done {
  std::string object, action;  // "created", "altered", "granted", …
};
struct Failed {
  std::string object, message, hint;
};
struct Converged {
  std::vector<Done> done;
  std::vector<Failed> failed;
  std::vector<std::string> kept;  // databases and roles of ours that the file no longer names
  std::map<uint32_t, std::string> known = {};
  bool changed() const { return !done.empty(); }
};

/// Fails as a whole only when the server cannot be talked to; all else is collected per object.
Result<Converged> converge(const Desired& desired, const VerifierOf& verifier,
                           const ConvergeOptions& options);

}  // namespace dbm::sql
