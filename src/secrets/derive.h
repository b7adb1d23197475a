#pragma once

// Derived passwords: the same master key gives the same passwords everywhere, without a look at
// any cluster (for GitOps). HKDF-SHA256 (RFC 5869) with the info
// `namespace/cluster/role/generation`; the output is read as letters and digits as random bytes
// are. Changing any of this would change every user's passwords: the test's vectors are fixed.

#include <optional>
#include <string>
#include <string_view>

#include "secrets/password.h"
#include "secrets/secret.h"

namespace dbm::secrets {

/// A new master key as text, one line: `cnpg-dbm-key-v1:` and 32 random bytes in base64.
Secret make_key(const ByteSource& source = os_random);

/// The 32 bytes of such a line; the error says what is wrong, never what was read.
struct KeyOrError {
  std::optional<Secret> key;
  std::string error, hint;
};
KeyOrError parse_key(std::string_view text);
/// Reads a key file; refuses one that others may read.
KeyOrError read_key_file(const std::string& path);

/// Threads: one each.
class Deriver {
 public:
  explicit Deriver(Secret key);
  Password password(std::string_view ns, std::string_view cluster, std::string_view role,
                    int64_t generation) const;

 private:
  Secret key_;
};

}  // namespace dbm::secrets
