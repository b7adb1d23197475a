// What is inside a database: schemas, extensions, and what its users may do.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sql/plan.h"

namespace dbm::sql {
namespace {

/// What a user holds on objects of a kind (the letters of pg_default_acl).
std::string_view wanted_letters(char kind, Access access) {
  const bool write = access == Access::kWrite;
  switch (kind) {
    case 'r': return write ? "rawd" : "r";
    case 'S': return write ? "rwU" : "r";
    case 'f': return write ? "X" : "";
    default: return "U";  // 'n', a schema
  }
}

constexpr std::array kKinds = {'r', 'S', 'f', 'n'};

std::string_view word(char kind) {  // of GRANT … ON
  return kind == 'r' ? "TABLE" : kind == 'S' ? "SEQUENCE" : kind == 'f' ? "ROUTINE" : "SCHEMA";
}

void plan_schemas(std::vector<Step>& steps, const Database& db, const InsideLook& look,
                  const Quote& quote) {
  for (const Schema& schema : db.schemas) {
    const std::string object = database_object(db.name) + ": schema " + printable(schema.name);
    const std::string name = quote.identifier(schema.name);
    const auto now = look.schemas.find(schema.name);
    const bool there = now != look.schemas.end();
    if (!schema.present) {
      if (there) steps.push_back({object, "dropped", "DROP SCHEMA " + name});
      continue;
    }
    const std::string& owner = schema.owner.empty() ? db.owner : schema.owner;
    if (!there)
      steps.push_back({object, "created",
                       "CREATE SCHEMA " + name + " AUTHORIZATION " + quote.identifier(owner)});
    else if (!schema.owner.empty() && now->second.owner != owner)
      steps.push_back({object, "given to " + printable(owner),
                       "ALTER SCHEMA " + name + " OWNER TO " + quote.identifier(owner)});
  }
}

void plan_extension(std::vector<Step>& steps, const std::string& database,
                    const Extension& extension, const ExtensionLook* now, int major,
                    const Quote& quote) {
  const std::string object =
      database_object(database) + ": extension " + printable(extension.name);
  const std::string name = quote.identifier(extension.name);
  const std::string schema = extension.schema.empty() ? "" : quote.identifier(extension.schema);
  const std::string version =
      extension.version.empty() ? "" : quote.literal(extension.version);
  if (!extension.present) {
    if (now != nullptr) steps.push_back({object, "dropped", "DROP EXTENSION " + name});
    return;
  }
  if (now == nullptr) {
    std::string sql = "CREATE EXTENSION " + name;
    if (!schema.empty()) sql += " SCHEMA " + schema;
    if (!version.empty()) sql += " VERSION " + version;
    // Its own choice of a schema, else the first of the search path.
    if (schema.empty()) steps.push_back({object, "", "SET search_path = public"});
    steps.push_back({object, "created", sql, extension_hint(extension.name, major)});
    if (schema.empty()) steps.push_back({object, "", "SET search_path = pg_catalog"});
    return;
  }
  const std::string start = "ALTER EXTENSION " + name;
  if (!version.empty() && now->version != extension.version)
    steps.push_back({object, "updated to " + printable(extension.version),
                     start + " UPDATE TO " + version});
  if (!schema.empty() && now->schema != extension.schema)
    steps.push_back({object, "moved to " + printable(extension.schema),
                     start + " SET SCHEMA " + schema});
}

/// The privileges of the database's users: given, and taken where they are too many.
class AccessPlan {
 public:
  AccessPlan(const Database& db, bool isolated, const InsideLook& look, const Names& roles,
             const Quote& quote)
      : db_(db), look_(look), roles_(roles), quote_(quote) {
    if (isolated) public_schema();
    for (const User& user : db.users)
      if (roles.contains(user.name)) give(user);
    for (const std::string& role : former_users()) take_all(role);
  }
  std::vector<Step> take() { return std::move(steps_); }

 private:
  void add(std::string_view role, std::string action, std::string sql) {
    steps_.push_back({database_object(db_.name) +
                          (role.empty() ? "" : ": access of " + printable(role)),
                      std::move(action), std::move(sql)});
  }

  void public_schema() {
    const auto schema = look_.schemas.find("public");
    if (schema == look_.schemas.end()) return;
    const Acl& acl = schema->second.acl;
    if (letters_of(acl, "").find('C') == std::string_view::npos) return;
    const std::string& owner = schema->second.owner;
    // The database's owner could create there as one of the public (before PostgreSQL 15).
    if (owner != "pg_database_owner" && owner != db_.owner && roles_.contains(db_.owner) &&
        letters_of(acl, db_.owner).find('C') == std::string_view::npos)
      add("", "schema public opened to its owner",
          "GRANT ALL ON SCHEMA public TO " + quote_.identifier(db_.owner));
    add("", "schema public closed to others", "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  }

  /// Whose later objects the users are given too: those who may create some.
  std::vector<std::string> creators() const {
    std::vector<std::string> out = {db_.owner};
    for (const Schema& schema : db_.schemas)
      if (schema.present && !schema.owner.empty() && roles_.contains(schema.owner) &&
          std::ranges::find(out, schema.owner) == out.end())
        out.push_back(schema.owner);
    return out;
  }

  std::string_view default_letters(std::string_view creator, char kind,
                                   std::string_view role) const {
    for (const DefaultGrants& grants : look_.defaults)
      if (grants.kind == kind && grants.creator == creator) return letters_of(grants.acl, role);
    return {};
  }

  void change_default(std::string_view creator, char kind, std::string_view letters,
                      std::string_view role, bool grant) {
    const std::string start =
        "ALTER DEFAULT PRIVILEGES FOR ROLE " + quote_.identifier(creator);
    add(role, "",
        fmt::format("{} {} {} ON {}S {} {}", start, grant ? "GRANT" : "REVOKE",
                    letters.empty() ? "ALL" : privilege_names(letters), word(kind),
                    grant ? "TO" : "FROM", quote_.identifier(role)));
  }

  /// Objects of a kind with the same change are named in one statement.
  struct Change {
    char kind;
    bool grant;
    std::string letters;
    auto operator<=>(const Change&) const = default;
  };

  void give(const User& user) {
    std::map<Change, std::vector<std::string>> changes;
    const auto compare = [&](char kind, std::string_view held, const std::string& object) {
      const std::string_view wanted = wanted_letters(kind, user.access);
      if (std::string letters = missing_letters(wanted, held); !letters.empty())
        changes[{kind, true, std::move(letters)}].push_back(object);
      // A writer may have been given more by the owner; a reader reads.
      std::string surplus = missing_letters(held, wanted);
      if (user.access == Access::kRead && !surplus.empty())
        changes[{kind, false, std::move(surplus)}].push_back(object);
    };
    for (const auto& [name, schema] : look_.schemas)
      if (schema.owner != user.name)
        compare('n', letters_of(schema.acl, user.name), quote_.identifier(name));
    for (const ObjectLook& object : look_.objects)
      if (object.owner != user.name)
        compare(object.kind, letters_of(object.acl, user.name), object.name);
    for (const auto& [change, objects] : changes) run(user.name, change, objects);

    const size_t before = steps_.size();
    for (const std::string& creator : creators()) {
      if (creator == user.name) continue;
      for (const char kind : kKinds) {
        const std::string_view held = default_letters(creator, kind, user.name);
        const std::string_view wanted = wanted_letters(kind, user.access);
        if (const auto letters = missing_letters(wanted, held); !letters.empty())
          change_default(creator, kind, letters, user.name, true);
        const auto surplus = missing_letters(held, wanted);
        if (user.access == Access::kRead && !surplus.empty())
          change_default(creator, kind, surplus, user.name, false);
      }
    }
    if (steps_.size() > before) steps_.back().action = "default privileges";
  }

  void run(std::string_view role, const Change& change, const std::vector<std::string>& objects) {
    constexpr size_t kMost = 500;  // a statement of readable size
    for (size_t from = 0; from < objects.size(); from += kMost) {
      std::string list;
      for (size_t i = from; i < std::min(from + kMost, objects.size()); ++i)
        list += (list.empty() ? "" : ", ") + objects[i];
      const std::string privileges = privilege_names(change.letters);
      add(role,
          fmt::format("{} {} on {} {}{}", change.grant ? "granted" : "revoked", privileges,
                      objects.size(), to_lower(word(change.kind)), objects.size() == 1 ? "" : "s"),
          fmt::format("{} {} ON {} {} {} {}{}", change.grant ? "GRANT" : "REVOKE", privileges,
                      word(change.kind), list, change.grant ? "TO" : "FROM",
                      quote_.identifier(role), change.grant ? "" : " CASCADE"));
    }
  }

  /// Roles that the owner's default privileges show to have been users: all that we give, at once.
  /// What the owner has granted by himself to others is his business.
  Names former_users() const {
    Names out;
    for (const DefaultGrants& grants : look_.defaults) {
      if (grants.kind != 'n') continue;
      for (const Grant& held : grants.acl)
        if (!held.grantee.empty() && held.grantee != db_.owner && held.grantee != grants.creator &&
            roles_.contains(held.grantee) && !is_reserved_role(held.grantee) &&
            std::ranges::find(db_.users, held.grantee, &User::name) == db_.users.end() &&
            default_letters(grants.creator, 'r', held.grantee).find('r') != std::string::npos &&
            default_letters(grants.creator, 'S', held.grantee).find('r') != std::string::npos)
          out.insert(held.grantee);
    }
    return out;
  }

  void take_all(const std::string& role) {
    const std::string from = " FROM " + quote_.identifier(role) + " CASCADE";
    for (const auto& [name, schema] : look_.schemas) {
      if (letters_of(schema.acl, role).empty()) continue;
      const std::string quoted = quote_.identifier(name);
      for (const char* what : {"TABLES", "SEQUENCES", "ROUTINES"})
        add(role, "", fmt::format("REVOKE ALL ON ALL {} IN SCHEMA {}{}", what, quoted, from));
      add(role, "", fmt::format("REVOKE ALL ON SCHEMA {}{}", quoted, from));
    }
    for (const DefaultGrants& grants : look_.defaults)
      if (!letters_of(grants.acl, role).empty())
        change_default(grants.creator, grants.kind, "", role, false);
    if (!steps_.empty()) steps_.back().action = "revoked";
  }

  const Database& db_;
  const InsideLook& look_;
  const Names& roles_;
  const Quote& quote_;
  std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> plan_own_schema(const Database& db, const InsideLook& look) {
  std::vector<Step> steps;
  for (std::string& sql : own_schema_changes(look.own_schema, db.own_schema))
    steps.push_back({database_object(db.name) + ": schema " + std::string(kOwnSchema), "", std::move(sql)});
  return steps;
}

std::vector<Step> plan_objects(const Database& db, const InsideLook& look, int major,
                               const Quote& quote) {
  std::vector<Step> steps;
  plan_schemas(steps, db, look, quote);
  for (const Extension& extension : db.extensions) {
    const auto now = look.extensions.find(extension.name);
    plan_extension(steps, db.name, extension, now == look.extensions.end() ? nullptr : &now->second,
                   major, quote);
  }
  return steps;
}

std::vector<Step> plan_access(const Database& db, bool isolated, const InsideLook& look,
                              const Names& roles, const Quote& quote) {
  return AccessPlan(db, isolated, look, roles, quote).take();
}

std::string fingerprint(const Database& db, bool isolated) {
  // FNV-1a, 64 bits: told apart are the wishes of one database over time.
  uint64_t hash = 14695981039346656037ULL;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xffU) * 1099511628211ULL;  // no text of UTF-8 has this byte
  };
  add("1");  // raised when what is done inside a database changes
  add(db.owner);
  add(isolated ? "isolated" : "");
  for (const Schema& s : db.schemas) add("s"), add(s.name), add(s.owner), add(s.present ? "+" : "-");
  for (const std::string& sql : db.own_schema) add("o"), add(sql);
  for (const Extension& e : db.extensions)
    add("e"), add(e.name), add(e.version), add(e.schema), add(e.present ? "+" : "-");
  for (const User& u : db.users) add("u"), add(u.name), add(u.access == Access::kWrite ? "w" : "r");
  return fmt::format("{:016x}", hash);
}

}  // namespace dbm::sql
