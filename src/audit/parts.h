#pragma once

// What audit.cc and fix.cc share. For this module's .cc files only.

#include <string>

#include "audit/expected.h"
#include "base/result.h"
#include "sql/connection.h"

namespace dbm::audit {

/// To a server, with settings that no database's owner has a say in.
Result<sql::Connection> connect(sql::Target target);

/// The role that the audit comes as is nobody to worry about.
Expectations with_own_role(const Expectations& given, const std::string& user);

}  // namespace dbm::audit
