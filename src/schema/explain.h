#pragma once

// The schema's rows as text: `explain` and docs/values.md.

#include <string>
#include <string_view>

#include "base/result.h"
#include "cnpg/crd_table.h"
#include "schema/record.h"

namespace dbm::schema {

/// What stands at "clusters.backup.s3": its type, default and keys, as kubectl explain shows it.
/// The free names of maps and the indices of lists may be given or left out
/// ("clusters.main.databases[0].name" is "clusters.databases.name"). Goes on into what is passed to
/// CloudNativePG. The error names the nearest key.
Result<std::string> explain(const Record& root, std::string_view path, cnpg::Version version);

/// Every key of every record, as Markdown.
std::string markdown(const Record& root);

/// "a string", "a list of Database", …
std::string type_name(const Type& type);

}  // namespace dbm::schema
