#pragma once

// kOwnSchema: what engines keep for themselves inside a database. Its functions run with a superuser's rights
// and are trusted by name, so it must be a superuser's, with all functions in it: a database's owner may make
// a schema of that name before we do.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/connection.h"

namespace dbm::sql {

/// The schema as it was found.
struct OwnSchemaLook {
  std::string stranger;  // who owns it or a function in it and is no superuser; empty: nobody
  std::string mark;      // of the statements that made it
};

/// Asks a database for it; names are qualified: any search_path will do.
Statement own_schema_statement();
std::optional<OwnSchemaLook> read_own_schema(const Rows& rows);

/// Why it cannot be used: it is somebody else's.
std::optional<Error> own_schema_refusal(const std::optional<OwnSchemaLook>& look, std::string_view database);

/// What makes it as `wanted` says, all in one transaction; empty when it is so already (or is a stranger's, or
/// none is wanted). `wanted` can be run again over what an earlier version made.
std::vector<std::string> own_schema_changes(const std::optional<OwnSchemaLook>& look,
                                            std::span<const std::string> wanted);

}  // namespace dbm::sql
