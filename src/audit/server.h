#pragma once

// What a server says of itself: everything that an audit judges by, read in one pass (look.h).
// Plain data that owns its texts; read-only once made, any thread.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/hba_rule.h"

namespace dbm::audit {

using Oid = uint32_t;
constexpr Oid kPublic = 0;  // as grantee

/// What pg_authid keeps of a password. The verifier itself is never read.
enum class PasswordKind : uint8_t { kNone, kMd5, kScram };

struct Role {
  Oid oid = 0;
  std::string name;
  bool login = false, superuser = false, inherit = true, createrole = false, createdb = false,
       replication = false, bypassrls = false;
  bool expired = false;  // VALID UNTIL has passed
  int64_t connection_limit = -1;
  PasswordKind password = PasswordKind::kNone;
};

/// GRANT role TO member. Before PostgreSQL 16 `inherit` is the member's own attribute and `set` is
/// always true.
struct Membership {
  Oid role = 0, member = 0;
  bool inherit = true, set = true, admin = false;
};

struct Database {
  Oid oid = 0, owner = 0;
  std::string name;
  bool accepts = true;  // datallowconn, and not an invalid one
  bool is_template = false;
  int64_t connection_limit = -1;
};

enum class Privilege : uint8_t { kConnect, kTemporary, kCreate };

/// One entry of a database's expanded ACL.
struct Grant {
  Oid database = 0, grantee = kPublic, grantor = 0;
  Privilege privilege = Privilege::kConnect;
};

struct Session {
  int64_t pid = 0;
  Oid role = 0, database = 0;
  std::string address, application, since;
};

/// What one look inside a database found (--inside).
struct Inside {
  Oid database = 0;
  bool public_creates = false;       // CREATE on schema public for PUBLIC
  std::vector<std::string> bridges;  // dblink, postgres_fdw, …: installed here
  std::string failure;               // why there was no look
};

/// pg_ident_file_mappings (PostgreSQL 15 and later).
struct Mapping {
  std::string map, system_user, role;
};

struct Server {
  int version = 0;  // 150018
  int major() const { return version / 10000; }
  std::string user;            // the audit's own role
  bool tls = false;            // ssl = on
  bool file_is_newer = false;  // pg_hba.conf was written after the last reload
  std::vector<Role> roles;     // sorted by name
  std::vector<Membership> memberships;
  std::vector<Database> databases;  // sorted by name
  std::vector<Grant> grants;
  std::vector<Session> sessions;
  std::vector<HbaRule> rules;  // in the order of pg_hba.conf
  std::vector<Mapping> mappings;
  std::vector<Inside> inside;
};

}  // namespace dbm::audit
