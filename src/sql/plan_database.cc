// A database from outside: that it is there, its attributes, and who may enter it.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "sql/plan.h"

namespace dbm::sql {
namespace {

/// The connection limit of a database whose DROP was interrupted: it can only be dropped again.
constexpr int64_t kInvalid = -2;

/// "UTF8" for utf-8, "en_US.UTF8" for en_US.utf8: spellings that mean the same to PostgreSQL and
/// the C library.
std::string encoding_key(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out == "UNICODE" ? "UTF8" : out;
}

std::string locale_key(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == text.npos) return std::string(text == "POSIX" ? "C" : text);
  return std::string(text.substr(0, dot + 1)) + encoding_key(text.substr(dot + 1));
}

std::string provider_name(std::string_view letter) {
  return letter == "i" ? "icu" : letter == "b" ? "builtin" : "libc";
}

/// Says of each option of CREATE DATABASE that is otherwise than the file wants it.
std::vector<std::string> immutable_differences(const Database& db, const DatabaseLook& now) {
  std::vector<std::string> out;
  const auto compare = [&](const char* what, std::string_view wanted, std::string_view is,
                           auto&& key) {
    if (!wanted.empty() && key(wanted) != key(is))
      out.push_back(fmt::format("{} is \"{}\", not \"{}\"", what, printable(is),
                                printable(wanted)));
  };
  const auto same = [](std::string_view text) { return std::string(text); };
  compare("encoding", db.encoding, now.encoding, encoding_key);
  const bool libc = now.provider == "c";
  // For other providers, locale is a default of the C library's categories and of theirs.
  const std::string_view locale = libc ? std::string_view(db.locale) : std::string_view();
  compare("collate", db.lc_collate.empty() ? locale : db.lc_collate, now.collate, locale_key);
  compare("ctype", db.lc_ctype.empty() ? locale : db.lc_ctype, now.ctype, locale_key);
  compare("localeProvider", db.locale_provider, provider_name(now.provider), same);
  compare("icuLocale", db.icu_locale, now.locale, same);
  compare("icuRules", db.icu_rules, now.icu_rules, same);
  compare("builtinLocale", db.builtin_locale, now.locale, locale_key);
  return out;
}

/// What it is a copy of: template1 has the server's encoding and locale; only template0 can be
/// copied with others.
std::string source_of(const Database& db) {
  if (!db.template_name.empty()) return db.template_name;
  const bool own_locale = !(db.encoding + db.locale + db.lc_collate + db.lc_ctype +
                            db.locale_provider + db.icu_locale + db.icu_rules + db.builtin_locale)
                               .empty();
  return own_locale ? "template0" : "template1";
}

std::string create(const Database& db, const Quote& quote) {
  std::string out = "CREATE DATABASE " + quote.identifier(db.name) + " OWNER " +
                    quote.identifier(db.owner);
  const auto text = [&](const char* option, std::string_view value) {
    if (!value.empty()) out += fmt::format(" {} {}", option, quote.literal(value));
  };
  const auto flag = [&](const char* option, std::optional<bool> value) {
    if (value) out += fmt::format(" {} {}", option, *value);
  };
  out += " TEMPLATE " + quote.identifier(source_of(db));
  text("ENCODING", db.encoding);
  text("LOCALE_PROVIDER", db.locale_provider);
  text("LOCALE", db.locale);
  text("LC_COLLATE", db.lc_collate);
  text("LC_CTYPE", db.lc_ctype);
  text("ICU_LOCALE", db.icu_locale);
  text("ICU_RULES", db.icu_rules);
  text("BUILTIN_LOCALE", db.builtin_locale);
  text("COLLATION_VERSION", db.collation_version);
  if (!db.tablespace.empty()) out += " TABLESPACE " + quote.identifier(db.tablespace);
  flag("ALLOW_CONNECTIONS", db.allow_connections);
  if (db.connection_limit) out += fmt::format(" CONNECTION LIMIT {}", *db.connection_limit);
  flag("IS_TEMPLATE", db.is_template);
  return out;
}

/// What can be changed of a database that is there.
void alter(std::vector<Step>& steps, const Database& db, const DatabaseLook& now,
           const Quote& quote) {
  const std::string object = database_object(db.name);
  const std::string start = "ALTER DATABASE " + quote.identifier(db.name);
  if (db.owner != now.owner)
    steps.push_back({object, "given to " + printable(db.owner),
                     start + " OWNER TO " + quote.identifier(db.owner)});
  std::string options;
  if (db.connection_limit && *db.connection_limit != now.connection_limit)
    options += fmt::format(" CONNECTION LIMIT {}", *db.connection_limit);
  if (db.is_template && *db.is_template != now.is_template)
    options += fmt::format(" IS_TEMPLATE {}", *db.is_template);
  if (db.allow_connections && *db.allow_connections != now.allow_connections)
    options += fmt::format(" ALLOW_CONNECTIONS {}", *db.allow_connections);
  if (!options.empty()) steps.push_back({object, "altered", start + " WITH" + options});
  if (!db.tablespace.empty() && db.tablespace != now.tablespace)
    steps.push_back({object, "moved to " + printable(db.tablespace),
                     start + " SET TABLESPACE " + quote.identifier(db.tablespace)});
}

/// Who may enter: the entrants, and nobody else when isolated.
class Doors {
 public:
  Doors(std::vector<Step>& steps, std::string_view database, const Quote& quote)
      : steps_(steps), quote_(quote), object_(database_object(database)),
        name_(quote.identifier(database)) {}

  void plan(const std::optional<Acl>& acl, bool isolated, std::string_view owner,
            const std::vector<std::string>& entrants, const SharedLook& look, const Names& roles) {
    static const Acl kDefault = {{"", "Tc"}};
    const Acl& now = acl ? *acl : kDefault;
    const std::string_view everyone = letters_of(now, "");
    if (isolated && everyone.find_first_of("Tc") != everyone.npos)
      revoke("PUBLIC", "closed to others");
    if (!isolated && acl && everyone.find('c') == everyone.npos)
      steps_.push_back({object_, "opened to all",
                        "GRANT CONNECT, TEMPORARY ON DATABASE " + name_ + " TO PUBLIC"});
    grant(now, acl.has_value(), owner, entrants, roles);
    if (!isolated) return;
    for (const Grant& held : now) {
      const auto role = look.roles.find(held.grantee);
      if (held.grantee == owner || role == look.roles.end() || role->second.superuser ||
          is_reserved_role(held.grantee) || held.letters.find_first_of("Tc") == std::string::npos ||
          std::ranges::find(entrants, held.grantee) != entrants.end())
        continue;
      revoke(quote_.identifier(held.grantee), "closed to " + printable(held.grantee));
    }
  }

 private:
  void revoke(std::string_view from, std::string action) {
    steps_.push_back({object_, std::move(action),
                      fmt::format("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM {} CASCADE", name_,
                                  from)});
  }

  void grant(const Acl& now, bool has_acl, std::string_view owner,
             const std::vector<std::string>& entrants, const Names& roles) {
    std::string names, action = "opened to ";
    for (const std::string& role : entrants) {
      const std::string_view held = role == owner && !has_acl ? "c" : letters_of(now, role);
      if (held.find('c') != held.npos || !roles.contains(role)) continue;
      if (!names.empty()) names += ", ", action += ", ";
      names += quote_.identifier(role);
      action += printable(role);
    }
    if (names.empty()) return;
    steps_.push_back({object_, std::move(action),
                      fmt::format("GRANT CONNECT ON DATABASE {} TO {}", name_, names)});
  }

  std::vector<Step>& steps_;
  const Quote& quote_;
  const std::string object_, name_;
};

/// ALTER ROLE … IN DATABASE … SET for owner and users.
void plan_settings(std::vector<Step>& steps, const Database& db, const DatabaseLook* now,
                   const Names& roles, const Quote& quote) {
  const auto plan_role = [&](const std::string& role) {
    static const std::map<std::string, std::string> kNone;
    if (!roles.contains(role)) return;
    const auto found = now != nullptr ? now->settings.find(role) : decltype(now->settings.end())();
    const auto& held = now != nullptr && found != now->settings.end() ? found->second : kNone;
    const std::string start = "ALTER ROLE " + quote.identifier(role) + " IN DATABASE " +
                              quote.identifier(db.name);
    const std::string object = database_object(db.name);
    for (const auto& [parameter, value] : db.settings) {
      const auto is = held.find(parameter);
      if (is != held.end() && is->second == value) continue;
      steps.push_back({object, parameter + " set for " + printable(role),
                       start + " SET " + parameter + " = " + quote.literal(value)});
    }
    for (const auto& [parameter, value] : held)
      if (!db.settings.contains(parameter))
        steps.push_back({object, parameter + " reset for " + printable(role),
                         start + " RESET " + parameter});
  };
  plan_role(db.owner);
  for (const User& user : db.users) plan_role(user.name);
}

}  // namespace

std::string database_object(std::string_view name) { return "database " + printable(name); }

DatabasePlan plan_database(const Database& db, bool isolated, const SharedLook& look,
                           const Names& roles, const Quote& quote) {
  DatabasePlan plan;
  const std::string object = database_object(db.name);
  const auto there = look.databases.find(db.name);
  const DatabaseLook* now = there == look.databases.end() ? nullptr : &there->second;
  const std::string name = quote.identifier(db.name);
  if (!db.present) {
    if (now == nullptr) return plan;
    if (now->is_template)
      plan.steps.push_back({object, "", "ALTER DATABASE " + name + " WITH IS_TEMPLATE false"});
    plan.steps.push_back({object, "dropped", "DROP DATABASE " + name + " WITH (FORCE)"});
    plan.drops = true;
    return plan;
  }
  if (now != nullptr && now->connection_limit == kInvalid) {
    plan.steps.push_back({object, "cleared of an interrupted drop", "DROP DATABASE " + name});
    now = nullptr;
  }
  if (now == nullptr) {
    plan.creates = true;
    plan.from_template1 = source_of(db) == "template1";
    plan.steps.push_back({object, "created", create(db, quote)});
  } else {
    for (const std::string& difference : immutable_differences(db, *now))
      plan.failed.push_back({object, difference + ", and cannot be changed",
                             "dump it, drop it, and let it be made again"});
    alter(plan.steps, db, *now, quote);
  }
  Doors(plan.steps, db.name, quote)
      .plan(now != nullptr ? now->acl : std::nullopt, isolated, db.owner, db.entrants, look, roles);
  plan_settings(plan.steps, db, now, roles, quote);
  for (const std::string& field : db.not_made)
    plan.failed.push_back({object, field + " are made by CloudNativePG only",
                           "make them by hand: CREATE " +
                               std::string(field == "fdws" ? "FOREIGN DATA WRAPPER" : "SERVER")});
  for (const std::string& role : db.entrants)
    if (!roles.contains(role))
      plan.failed.push_back({object, "there is no role \"" + printable(role) + "\" to let in",
                             "name it under roles, or take it out of isolation.allow"});
  return plan;
}

std::vector<Step> plan_maintenance(const Desired& desired, const SharedLook& look,
                                   const Names& roles, const Quote& quote) {
  static const std::vector<std::string> kNobody;
  std::vector<Step> steps;
  for (const char* name : {"postgres", "template1"}) {
    const auto now = look.databases.find(name);
    if (now == look.databases.end()) continue;
    const auto allowed = desired.maintenance_entrants.find(name);
    Doors(steps, name, quote)
        .plan(now->second.acl, desired.isolated, now->second.owner,
              allowed == desired.maintenance_entrants.end() ? kNobody : allowed->second, look,
              roles);
  }
  return steps;
}

std::vector<Step> plan_sessions(const Desired& desired, const SharedLook& look,
                                const Quote& quote) {
  std::vector<Step> steps;
  if (!desired.isolated || look.sessions.empty()) return steps;
  std::map<std::string_view, const std::vector<std::string>*> entrants;
  static const std::vector<std::string> kNobody;
  for (const char* name : {"postgres", "template1"}) entrants[name] = &kNobody;
  for (const auto& [name, roles] : desired.maintenance_entrants) entrants[name] = &roles;
  for (const Database& db : desired.databases)
    if (db.present) entrants[db.name] = &db.entrants;
  for (const Session& session : look.sessions) {
    const auto known = entrants.find(session.database);
    if (known == entrants.end() || is_reserved_role(session.role) || session.role == look.self ||
        std::ranges::find(*known->second, session.role) != known->second->end())
      continue;
    // The process's number may be another's by now.
    steps.push_back({database_object(session.database),
                     "ended a session of " + printable(session.role),
                     fmt::format("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid "
                                 "= {} AND usename = {} AND datname = {}",
                                 session.pid, quote.literal(session.role),
                                 quote.literal(session.database))});
  }
  return steps;
}

}  // namespace dbm::sql
