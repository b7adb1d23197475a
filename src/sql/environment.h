#pragma once

// libpq's environment variables (PGHOST, PGOPTIONS, PGSERVICE, …), which would change where we connect and
// as whom. libpq has no other way to be told to ignore them than not to find them.

namespace dbm::sql {

/// Removes every PG… variable from the process's environment. Call it once, before any thread starts: no
/// other thread may read the environment meanwhile. Read what is needed of it (PGPASSWORD) before.
void ignore_libpq_environment();

/// True while libpq would still find one. Any thread.
bool has_libpq_environment();

}  // namespace dbm::sql
