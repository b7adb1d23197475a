#pragma once

// The classes of failure that callers tell apart: exit codes, retries, conditions of a custom resource, metrics.
// A failure gets its code where it is first seen (an HTTP status, an errno, an SQLSTATE) and keeps it on its way up.

#include <cstdint>
#include <string_view>

namespace dbm {

enum class ErrorCode : uint8_t {
  kFailed,        // none of the others
  kInvalid,       // the input is wrong; the same input fails again
  kRefused,       // a rule of ours or of the server forbids it (guard, admission webhook)
  kForbidden,     // the credentials are good, but a right is missing
  kUnauthorized,  // the credentials are not accepted
  kNotFound,
  kConflict,      // somebody else has written or owns it; look again
  kTooMany,       // the server asks for patience, or has no room for another connection
  kUnreachable,   // no connection, or it broke before an answer came
  kUnavailable,   // the server answered that it cannot serve now (HTTP 5xx, PostgreSQL starting up)
  kTimedOut,      // the caller's deadline passed
  kInterrupted,   // by a signal
  kIo,            // a file or a folder of this machine
  kNoSpace,
};

/// The name as it appears in JSON, conditions and metrics: "NotFound".
std::string_view to_string(ErrorCode code);

/// Of an HTTP status of the Kubernetes API (API conventions, "HTTP status codes"). Statuses below 400 are kFailed.
ErrorCode code_of_http(int status);

/// Of an errno (POSIX, errno.h).
ErrorCode code_of_errno(int error);

/// Of an SQLSTATE of five characters (PostgreSQL manual, appendix A); empty: there was no answer.
ErrorCode code_of_sqlstate(std::string_view state);

/// Another try without a change of the input may succeed.
bool is_transient(ErrorCode code);

}  // namespace dbm
