#pragma once

// What a server holds now: the shared catalogs (roles, databases, who may enter, sessions), and
// what is inside one database. Statements to look with, and the answers read. Owns its texts.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sql/acl.h"
#include "sql/connection.h"
#include "sql/own_schema.h"

namespace dbm::sql {

/// Settings that every session of ours begins with. A database's owner can have settings of his own
/// given to all who enter it (ALTER DATABASE … SET): none of them may change what our statements
/// mean. Nothing of them goes to the server's log, and commits do not wait for the disk: who ends
/// the work waits once for all of it. Some settings are of later servers only: `major` 0 leaves them out.
std::string session_options(int major = 0);

struct RoleLook {
  bool login = false, superuser = false, createdb = false, createrole = false, inherit = true,
       replication = false, bypassrls = false;
  int64_t connection_limit = -1;
  std::string valid_until;  // as utc_text() writes it; empty: for ever
  bool has_password = false;
  secrets::Secret password = {};  // as it is stored: a verifier
  std::optional<std::string> comment = {};
  std::set<std::string, std::less<>> member_of = {};
};

struct DatabaseLook {
  uint32_t oid = 0;
  std::string owner, encoding, provider, collate, ctype, locale, icu_rules, tablespace;
  int64_t connection_limit = -1;
  bool is_template = false, allow_connections = true;
  std::optional<Acl> acl = {};  // none: PUBLIC may enter
  /// ALTER ROLE … IN DATABASE … SET of the parameters that the file knows: role, parameter, value.
  std::map<std::string, std::map<std::string, std::string>, std::less<>> settings = {};
};

struct Session {
  int64_t pid = 0;
  std::string database, role;
};

struct SharedLook {
  std::string self;  // who we are
  std::map<std::string, RoleLook, std::less<>> roles;
  std::map<std::string, DatabaseLook, std::less<>> databases;
  std::vector<Session> sessions;  // of clients that are no superusers
};

std::vector<Statement> shared_statements(int major);
Statement sessions_statement();  // the last of them
std::vector<Session> read_sessions(const Rows& rows);
/// Fails with the first of the answers that failed.
std::variant<SharedLook, Failure> read_shared(const std::vector<Answer>& answers);

struct SchemaLook {
  std::string owner;
  Acl acl = {};
};

struct ExtensionLook {
  std::string version, schema;
};

/// A table (or view, …), sequence or routine that is no part of an extension.
struct ObjectLook {
  char kind;         // 'r' table, 'S' sequence, 'f' routine: the letters of pg_default_acl
  std::string name;  // qualified and quoted by the server, with the arguments of a routine
  std::string schema, owner;
  Acl acl = {};
};

struct DefaultGrants {
  std::string creator;  // whose objects get them
  char kind;            // as above, or 'n' for schemas
  Acl acl = {};
};

struct InsideLook {
  std::optional<OwnSchemaLook> own_schema = {};  // kOwnSchema, where it is; it is left out of all else
  std::map<std::string, SchemaLook, std::less<>> schemas;
  std::map<std::string, ExtensionLook, std::less<>> extensions;
  std::vector<ObjectLook> objects;
  std::vector<DefaultGrants> defaults;
};

/// `objects`: they are looked at even where no default privileges say that there was a user.
std::vector<Statement> inside_statements(bool objects);
std::variant<InsideLook, Failure> read_inside(const std::vector<Answer>& answers);

}  // namespace dbm::sql
