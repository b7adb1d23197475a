#include "base/error_code.h"

#include <cerrno>

namespace dbm {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFailed: return "Failed";
    case ErrorCode::kInvalid: return "Invalid";
    case ErrorCode::kRefused: return "Refused";
    case ErrorCode::kForbidden: return "Forbidden";
    case ErrorCode::kUnauthorized: return "Unauthorized";
    case ErrorCode::kNotFound: return "NotFound";
    case ErrorCode::kConflict: return "Conflict";
    case ErrorCode::kTooMany: return "TooMany";
    case ErrorCode::kUnreachable: return "Unreachable";
    case ErrorCode::kUnavailable: return "Unavailable";
    case ErrorCode::kTimedOut: return "TimedOut";
    case ErrorCode::kInterrupted: return "Interrupted";
    case ErrorCode::kIo: return "Io";
    case ErrorCode::kNoSpace: return "NoSpace";
  }
  return "Failed";
}

ErrorCode code_of_http(int status) {
  switch (status) {
    case 0: return ErrorCode::kUnreachable;
    case 400:
    case 413:
    case 415:
    case 422: return ErrorCode::kInvalid;
    case 401:
    case 407: return ErrorCode::kUnauthorized;
    case 403: return ErrorCode::kForbidden;
    case 404:
    case 410: return ErrorCode::kNotFound;
    case 409:
    case 412: return ErrorCode::kConflict;
    case 429: return ErrorCode::kTooMany;
    default: return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kFailed;
  }
}

ErrorCode code_of_errno(int error) {
  switch (error) {
    case ENOENT: return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::kForbidden;
    case EEXIST: return ErrorCode::kConflict;
    case ENOSPC:
    case EDQUOT: return ErrorCode::kNoSpace;
    case ETIMEDOUT: return ErrorCode::kTimedOut;
    case EINTR: return ErrorCode::kInterrupted;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH: return ErrorCode::kUnreachable;
    default: return ErrorCode::kIo;
  }
}

ErrorCode code_of_sqlstate(std::string_view state) {
  if (state.empty() || state.starts_with("08")) return ErrorCode::kUnreachable;  // connection exception
  if (state.starts_with("28")) return ErrorCode::kUnauthorized;                  // invalid authorization
  if (state.starts_with("3D") || state.starts_with("3F") || state == "42704" || state == "42P01" || state == "42883")
    return ErrorCode::kNotFound;                                                 // database, schema, object
  if (state == "42501") return ErrorCode::kForbidden;                            // insufficient privilege
  if (state.starts_with("40") || state == "55006" || state == "42710" || state == "42P04")
    return ErrorCode::kConflict;                                                 // rollback, in use, duplicate
  if (state == "57014" || state == "55P03") return ErrorCode::kTimedOut;         // canceled, lock not available
  if (state == "53300") return ErrorCode::kTooMany;                              // too many connections
  if (state == "53100") return ErrorCode::kNoSpace;                              // disk full
  if (state.starts_with("57P") || state.starts_with("53")) return ErrorCode::kUnavailable;
  if (state.starts_with("22") || state.starts_with("42")) return ErrorCode::kInvalid;
  return ErrorCode::kFailed;
}

bool is_transient(ErrorCode code) {
  switch (code) {
    case ErrorCode::kConflict:
    case ErrorCode::kTooMany:
    case ErrorCode::kUnreachable:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimedOut: return true;
    default: return false;
  }
}

}  // namespace dbm
