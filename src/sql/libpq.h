#pragma once

// How connections are made. For .cc files only, of this module and of the audit's login attempts:
// libpq's types stay here.

#include <string>
#include <string_view>
#include <variant>

#include "sql/connection.h"
#include "sql/late_libpq.h"

namespace dbm::sql {

/// Begins to connect, as PQconnectStart does; the caller owns what it gets (null: out of memory) and
/// goes on with PQconnectPoll. Errors come in their verbose form. libpq's environment variables must have
/// been ignored by then (sql/environment.h). Any thread.
PGconn* start_connecting(const Target& target);

/// Connects within the target's timeout; the caller owns what it gets. Any thread.
std::variant<PGconn*, Failure> connect(const Target& target);

/// What libpq says when it cannot connect, in its verbose form, taken apart: the server's last
/// refusal with its SQLSTATE, else all of it in one line.
Failure parse_refusal(std::string_view text);

/// The lines of a message as one, without blanks at their ends.
std::string one_line(std::string_view text);

}  // namespace dbm::sql
