// pg_hba lines that let each role enter its own databases only (docs/values.md, Isolation).

#include <string>

#include "render/kinds.h"

namespace dbm::render {
namespace {

using spec::Cluster;

/// Appends a name so that it matches itself only. Quoting takes keywords, `+`, `@`, commas and
/// spaces their meaning; a first `/` makes a regular expression even when quoted (PostgreSQL 16), so
/// such a name is written as one that matches just it. PgBouncer knows no regular expressions.
void append_quoted(std::string& out, std::string_view name, bool for_pgbouncer) {
  const bool as_regex = name.starts_with('/') && !for_pgbouncer;
  if (!as_regex && name.find('"') == name.npos) {
    out.append("\"").append(name).append("\"");
    return;
  }
  out += as_regex ? "\"/^" : "\"";
  for (const char c : name) {
    if (as_regex && std::string_view(".[]{}()\\*+?^$|").find(c) != std::string_view::npos)
      out += '\\';
    if (c == '"') out += '"';
    out += c;
  }
  out += as_regex ? "$\"" : "\"";
}

/// Writes `host "db","db2" "role","role2" all scram-sha-256` word by word, a name at a time.
class Line {
 public:
  Line(std::string_view type, bool for_pgbouncer) : text_(type), for_pgbouncer_(for_pgbouncer) {}
  Line& names() {  // begins the next column
    text_ += ' ';
    first_ = true;
    return *this;
  }
  Line& add(std::string_view name) {
    if (!first_) text_ += ',';
    first_ = false;
    append_quoted(text_, name, for_pgbouncer_);
    return *this;
  }
  Line& word(std::string_view word) {
    text_ += ' ';
    text_ += word;
    return *this;
  }
  std::string_view text() const { return text_; }

 private:
  std::string text_;
  bool for_pgbouncer_;
  bool first_ = true;
};

}  // namespace

yaml::Value hba_lines(Context& context, const ClusterPlan& plan,
                      std::initializer_list<const yaml::Value*> before, bool superuser,
                      bool for_pgbouncer) {
  const Cluster& c = *plan.cluster;
  yaml::Arena& arena = context.arena;
  List lines(arena, c.databases.size() + 8);
  for (const yaml::Value* list : before)
    if (list != nullptr)
      for (const yaml::Value& item : list->items()) lines.add(item);
  if (!c.isolation.enabled || context.options.judged_only) return lines.value();

  const std::string_view type = c.isolation.require_tls ? "hostssl" : "host";
  constexpr std::string_view kMethod = "scram-sha-256";
  const auto finish = [&](Line& line, std::string_view address, Pos pos) {
    lines.add(arena.copy(line.word(address).word(kMethod).text()), pos);
  };
  for (const spec::Database& db : c.databases) {
    Line line(type, for_pgbouncer);
    line.names().add(db.name).names().add(db.owner);
    for (const spec::User& user : db.users)
      if (user.name != db.owner) line.add(user.name);
    finish(line, "all", db.pos("name"));
  }
  if (superuser) {
    Line line(type, for_pgbouncer);
    finish(line.word("all").names().add("postgres"), "all", {});
  }
  for (const spec::Allow& allow : c.isolation.allow) {
    Line line(type, for_pgbouncer);
    line.names();
    for (const spec::Text database : allow.databases) line.add(database);
    finish(line.names().add(allow.role), allow.address, allow.pos("role"));
  }
  lines.add("host all all all reject");
  return lines.value();
}

}  // namespace dbm::render
