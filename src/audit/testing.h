#pragma once

// For the tests of this module: servers that never ran, written in a few words.

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/server.h"
#include "sql/desired.h"

namespace dbm::audit::testing {

/// "host all,"quoted" alice 10.0.0.0/255.0.0.0 scram-sha-256 map=m": a line as pg_hba.conf has it
/// (with the address and mask as the view shows them), read back as the view shows it and marked.
inline HbaRule rule(std::string_view line, int number = 1) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ' ' && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  HbaRule out;
  out.line = number;
  out.type = fields[0];
  const auto tokens = [](const std::string& field) {
    std::vector<HbaToken> names(1);
    bool inside = false;
    for (const char c : field)
      if (c == '"')
        inside = !inside;
      else if (c == ',' && !inside)
        names.emplace_back();
      else
        names.back().text += c;
    return names;
  };
  out.databases = tokens(fields[1]);
  out.users = tokens(fields[2]);
  size_t next = 3;
  if (out.type != "local") {
    const std::string& address = fields[next++];
    const size_t slash = address.find('/');
    out.address = address.substr(0, slash);
    if (slash != address.npos) out.netmask = address.substr(slash + 1);
  }
  out.method = fields[next++];
  for (; next < fields.size(); ++next) out.options.push_back(fields[next]);
  std::vector<HbaRule> one = {out};
  one[0].line = 1;
  mark_quoted(one, {}, line);
  one[0].line = number;
  return one[0];
}

/// Roles that may log in with a SCRAM password, `+name` one that may not, `*name` a superuser;
/// databases as name:owner (PUBLIC may enter, as after CREATE DATABASE), `-name:owner` without
/// PUBLIC but with its owner.
inline Server server(std::vector<std::string> roles, std::vector<std::string> databases,
                     std::initializer_list<std::string_view> lines, int major = 15) {
  Server out;
  out.version = major * 10000;
  out.tls = true;
  Oid oid = 100;
  for (std::string& name : roles) {
    Role role{.oid = oid++, .name = name, .login = true, .password = PasswordKind::kScram};
    if (name[0] == '+' || name[0] == '*') {
      role.login = name[0] != '+';
      role.superuser = name[0] == '*';
      role.name.erase(0, 1);
    }
    out.roles.push_back(std::move(role));
  }
  std::ranges::sort(out.roles, {}, &Role::name);
  for (std::string& text : databases) {
    const bool is_private = text[0] == '-';
    if (is_private) text.erase(0, 1);
    const size_t colon = text.find(':');
    Database database{.oid = oid++, .name = text.substr(0, colon)};
    for (const Role& role : out.roles)
      if (role.name == text.substr(colon + 1)) database.owner = role.oid;
    const Oid grantee = is_private ? database.owner : kPublic;
    out.grants.push_back({database.oid, grantee, database.owner, Privilege::kConnect});
    out.databases.push_back(std::move(database));
  }
  std::ranges::sort(out.databases, {}, &Database::name);
  int number = 1;
  for (const std::string_view line : lines) out.rules.push_back(rule(line, number++));
  return out;
}

/// GRANT role TO member.
inline void grant(Server& server, std::string_view role, std::string_view member) {
  Membership out;
  for (const Role& r : server.roles) {
    if (r.name == role) out.role = r.oid;
    if (r.name == member) {
      out.member = r.oid;
      if (server.major() < 16) out.inherit = r.inherit;
    }
  }
  server.memberships.push_back(out);
}

/// Databases as name:owner,user,…: every role of them a tenant.
inline sql::Desired desired(std::initializer_list<std::string_view> databases) {
  sql::Desired out;
  out.cluster = "main";
  for (const std::string_view text : databases) {
    sql::Database database;
    size_t at = text.find(':');
    database.name = text.substr(0, at);
    while (at != text.npos) {
      const size_t end = text.find(',', at + 1);
      const std::string name(text.substr(at + 1, end == text.npos ? end : end - at - 1));
      if (database.owner.empty()) database.owner = name;
      database.entrants.push_back(name);
      if (std::ranges::find(out.roles, name, &sql::Role::name) == out.roles.end()) {
        sql::Role role;
        role.name = name;
        role.login = role.has_password = role.tenant = true;
        out.roles.push_back(role);
      }
      at = end;
    }
    std::ranges::sort(database.entrants);
    out.databases.push_back(std::move(database));
  }
  std::ranges::sort(out.roles, {}, &sql::Role::name);
  return out;
}

}  // namespace dbm::audit::testing
