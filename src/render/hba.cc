// pg_hba lines that let each role enter its own databases only (docs/values.md, Isolation).

#include <algorithm>
#include <charconv>

#include "render/kinds.h"

namespace dbm::render {
namespace {

using spec::Cluster;

/// A name that matches itself only. Quoting takes keywords, `+`, `@`, commas and spaces their
/// meaning; a first `/` makes a regular expression even when quoted (PostgreSQL 16), so such a name
/// is written as one that matches just it. PgBouncer knows no regular expressions.
std::string quoted(std::string_view name, bool for_pgbouncer) {
  std::string text(name);
  if (name.starts_with('/') && !for_pgbouncer) {
    text = "/^";
    for (const char c : name) {
      if (std::string_view(".[]{}()\\*+?^$|").find(c) != std::string_view::npos) text += '\\';
      text += c;
    }
    text += '$';
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// `host "db","db2" "role","role2" all scram-sha-256`.
std::string line(std::string_view type, std::string_view databases, std::string_view roles,
                 std::string_view address, std::string_view method) {
  std::string out;
  for (std::string_view word : {type, databases, roles, address, method}) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

template <class Range, class Name>
std::string quoted_list(const Range& range, Name name, bool for_pgbouncer) {
  std::string out;
  for (const auto& item : range) {
    if (!out.empty()) out += ',';
    out += quoted(name(item), for_pgbouncer);
  }
  return out;
}

}  // namespace

yaml::Value hba_lines(yaml::Arena& arena, const ClusterPlan& plan,
                      std::initializer_list<const yaml::Value*> before, bool superuser,
                      bool for_pgbouncer) {
  const Cluster& c = *plan.cluster;
  List lines(arena, c.databases.size() + 8);
  for (const yaml::Value* list : before)
    if (list != nullptr)
      for (const yaml::Value& item : list->items()) lines.add(item);
  if (!c.isolation.enabled) return lines.value();

  const std::string_view type = c.isolation.require_tls ? "hostssl" : "host";
  const auto add = [&](std::string_view databases, std::string_view roles,
                       std::string_view address, Pos pos) {
    lines.add(arena.copy(line(type, databases, roles, address, "scram-sha-256")), pos);
  };
  for (const spec::Database& db : c.databases) {
    std::string roles = quoted(db.owner, for_pgbouncer);
    for (const spec::User& user : db.users)
      if (user.name != db.owner) roles += ',' + quoted(user.name, for_pgbouncer);
    add(quoted(db.name, for_pgbouncer), roles, "all", db.pos("name"));
  }
  if (superuser) add("all", "\"postgres\"", "all", {});
  for (const spec::Allow& allow : c.isolation.allow)
    add(quoted_list(allow.databases, [](spec::Text t) { return t; }, for_pgbouncer),
        quoted(allow.role, for_pgbouncer), allow.address, allow.pos("role"));
  lines.add("host all all all reject");
  return lines.value();
}

}  // namespace dbm::render
