#pragma once

// An audit from end to end: looks at a server, judges it by the values file, tries logins, and says
// what it found. The command and the local engine both call this; nothing is printed here.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "audit/attempt.h"
#include "audit/findings.h"
#include "audit/matrix.h"
#include "base/result.h"
#include "sql/desired.h"

namespace dbm::audit {

/// Where to look and where to knock.
struct Targets {
  sql::Target admin;  // a superuser
  /// Where tenants come in, over TCP: host, port and TLS. The admin's own when no host is given.
  sql::Target door = {};
  std::vector<Entrance> others = {};  // replicas and poolers
  PasswordOf password = {};  // the tenants'; may be empty
};

struct Options {
  Expectations expectations = {};
  Sample attempts = Sample::kSome;
  AttemptOptions attempt = {};
  bool inside = false;       // look into every database too
  unsigned connections = 4;  // at once, for that
};

/// Owns all it says. Read-only once made: any thread.
struct Audit {
  std::string cluster;
  Server server;
  Matrix matrix;
  std::vector<Entrance> entrances;
  std::vector<Attempt> attempts;
  std::vector<Finding> findings;

  /// No breach, nobody shut out, no other error.
  bool good() const;
};

/// Fails when the server cannot be looked at.
Result<Audit> run(const sql::Desired& desired, const Targets& targets, const Options& options);

/// One thing that audit --fix did, or could not.
struct Fixed {
  std::string action;
  std::string failure;  // empty: done
};

/// Revokes what surplus_grants() names and ends the stray_sessions() of an audit; who is expected
/// and came in by PUBLIC gets a grant of his own first. Roles, memberships and pg_hba.conf are left
/// alone. Does nothing when isolation is off.
Result<std::vector<Fixed>> fix(const Audit& audit, const sql::Desired& desired,
                               const Targets& targets, const Options& options);

}  // namespace dbm::audit
