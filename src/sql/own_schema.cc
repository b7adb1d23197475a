#include "sql/own_schema.h"

#include <fmt/format.h>

#include "base/text.h"
#include "sql/desired.h"

namespace dbm::sql {
namespace {

/// Tells one list of statements from another (FNV-1a).
std::string mark_of(std::span<const std::string> statements) {
  uint64_t hash = 14695981039346656037ULL;
  for (const std::string& text : statements)
    for (const char c : text + '\n') hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return fmt::format("made by cnpg-dbm: {:016x}", hash);
}

}  // namespace

Statement own_schema_statement() {
  return {"SELECT coalesce((SELECT o.rolname FROM pg_catalog.pg_roles o WHERE o.oid OPERATOR(pg_catalog.=) n.nspowner "
          "AND NOT o.rolsuper), (SELECT o.rolname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles o ON o.oid "
          "OPERATOR(pg_catalog.=) p.proowner WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid AND NOT o.rolsuper "
          "LIMIT 1)), pg_catalog.obj_description(n.oid, 'pg_namespace') FROM pg_catalog.pg_namespace n "
          "WHERE n.nspname OPERATOR(pg_catalog.=) $1",
          {{std::string(kOwnSchema)}}};
}

std::optional<OwnSchemaLook> read_own_schema(const Rows& rows) {
  if (rows.size() == 0) return std::nullopt;
  return OwnSchemaLook{std::string(rows.at(0, 0)), std::string(rows.at(0, 1))};
}

std::optional<Error> own_schema_refusal(const std::optional<OwnSchemaLook>& look, std::string_view database) {
  if (!look || look->stranger.empty()) return std::nullopt;
  return Error{fmt::format("schema {} of database {}, or a function in it, belongs to {}: it must be a superuser's",
                           kOwnSchema, printable(database), printable(look->stranger)),
               fmt::format("the name is kept for poolers' password lookup; as a superuser, rename or drop it there: "
                           "ALTER SCHEMA {} RENAME TO …; then run this again",
                           kOwnSchema)};
}

std::vector<std::string> own_schema_changes(const std::optional<OwnSchemaLook>& look,
                                            std::span<const std::string> wanted) {
  const std::string mark = mark_of(wanted);
  if (wanted.empty() || (look && (!look->stranger.empty() || look->mark == mark))) return {};
  std::vector<std::string> out;
  // Fails when somebody has made it since the look.
  if (!look) out.push_back(fmt::format("CREATE SCHEMA {}", kOwnSchema));
  out.insert(out.end(), wanted.begin(), wanted.end());
  out.push_back(fmt::format("COMMENT ON SCHEMA {} IS '{}'", kOwnSchema, mark));
  return out;
}

}  // namespace dbm::sql
