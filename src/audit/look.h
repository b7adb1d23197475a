#pragma once

// One look at a server: what server.h describes, in one round trip of a few catalog queries - never
// a question a pair. Needs a superuser: pg_hba.conf and the kinds of passwords are told to nobody
// else. Changes nothing. Threads: as the Connection.

#include "audit/server.h"
#include "base/result.h"
#include "sql/connection.h"

namespace dbm::audit {

/// Fails when the server cannot be asked, or does not tell.
Result<Server> look(sql::Connection& connection);

/// Looks inside every database that accepts connections (--inside), `connections` at a time, and
/// puts what was found into server.inside; a database that cannot be looked at says why there.
void look_inside(Server& server, const sql::Target& admin, unsigned connections);

}  // namespace dbm::audit
