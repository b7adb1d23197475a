#pragma once

// The passwords that tenants have on a server, for logging in as them: derived from a master key,
// or read from a file.

#include <map>
#include <string>

#include "audit/attempt.h"
#include "base/result.h"
#include "cli/flags.h"
#include "render/render.h"

namespace dbm::cli {

/// The text of a file that nobody but its owner may read, without the end of its last line. A pipe
/// is read as it is. Errors never quote it.
Result<secrets::Secret> read_secret_file(const std::string& path);

/// Threads: any number at once.
class TenantPasswords {
 public:
  /// Neither file: none is known. `passwords_file` is JSON, {"cluster": {"role": "password"}}, and
  /// counts before the key.
  static Result<TenantPasswords> make(const PasswordFlags& key, const std::string& passwords_file,
                                      const render::ClusterPlan& plan, std::string_view ns);
  const secrets::Secret* of(std::string_view role) const;

 private:
  std::map<std::string, secrets::Secret, std::less<>> known_;
};

}  // namespace dbm::cli
