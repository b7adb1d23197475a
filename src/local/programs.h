#pragma once

// Where PostgreSQL's, PgBouncer's and pgBackRest's programs are on this machine.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace dbm::local {

/// One PostgreSQL installation.
struct Postgres {
  int major = 0;
  std::filesystem::path bin;    // of postgres, initdb, pg_basebackup, psql
  std::string program(std::string_view name) const { return (bin / name).string(); }
  /// Of loadable modules.
  std::filesystem::path libraries() const;
};

/// Every installation: `extra` (--pg-bin: the folder of the programs or the one above, empty: none), the
/// absolute folders of the PATH, and /usr/lib/postgresql/*; the first of a major counts. Sorted by major.
/// An error, which names what is missing, when `extra` does not have all programs.
Result<std::vector<Postgres>> find_postgres(const std::filesystem::path& extra);

/// The installation for a major version: that one, else the nearest newer, else the nearest older.
/// Null pointer when there is none at all.
const Postgres* choose(const std::vector<Postgres>& installed, int major);

struct Version {
  int major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};
struct Tool {
  std::string path;
  Version version;
};

/// Looked for in the PATH, /usr/sbin and /usr/local/sbin; the error names the Debian package.
Result<Tool> find_pgbouncer();
Result<Tool> find_pgbackrest();

/// The first number.number of a text such as "PgBouncer 1.18.0" or "postgres (PostgreSQL) 15.18".
Version version_in(std::string_view text);

}  // namespace dbm::local
