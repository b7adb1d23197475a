#pragma once

// What `cnpg-dbm audit` does once it knows where: audits, mends when asked to, prints. The local
// engine calls it with its own server, sockets and passwords filled in.

#include "audit/audit.h"
#include "sql/desired.h"

namespace dbm::cli {

struct AuditOutput {
  bool json = false;
  bool fix = false;  // revoke and end what should not be, then audit again
};

/// Prints the report to standard output and errors to standard error; the exit code: kDone when all
/// is as expected, kRefused when it is not or the server cannot be asked.
int run_audit(const sql::Desired& desired, const audit::Targets& targets,
              const audit::Options& options, const AuditOutput& output);

}  // namespace dbm::cli
