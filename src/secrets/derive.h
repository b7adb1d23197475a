#pragma once

// Derived passwords: the same master key gives the same passwords everywhere, without a look at
// any cluster (for GitOps). HKDF-SHA256 (RFC 5869) without salt, with the info
// `namespace/cluster/role/generation`; the output is read as letters and digits as random bytes
// are (to_alphanumeric). Namespaces and clusters hold no `/` (RFC 1123), and the generation is the
// last number, so that no two questions share an info, whatever the role is called.
//
// Changing any of this would change every user's passwords: the test's vectors are fixed.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "secrets/hkdf.h"
#include "secrets/password.h"
#include "secrets/secret.h"

namespace dbm::secrets {

/// A new master key as text, one line without its end: `cnpg-dbm-key-v1:` and 32 random bytes in
/// base64.
Secret make_key(const ByteSource& source = os_random);

/// The 32 bytes of such a line; white space at its ends is ignored. The error says what is wrong,
/// never what was read.
Result<Secret> parse_key(std::string_view text);

/// Reads a key file. A regular file that its group or others may read is refused (mode & 077);
/// a pipe (`<(command)`) is read as it is.
Result<Secret> read_key_file(const std::string& path);

/// Threads: password() from any number at once.
class Deriver {
 public:
  /// `key` is what parse_key gives; it is not kept, only what HKDF extracts from it.
  explicit Deriver(const Secret& key) : hkdf_(key.reveal()) {}

  /// `generation` begins at 1 and is raised by a rotation.
  Password password(std::string_view ns, std::string_view cluster, std::string_view role,
                    int64_t generation) const;

 private:
  Hkdf hkdf_;
};

/// Reads a password from a stream of bytes: `expand` fills its buffer with the stream's first
/// bytes. Asks for 64 bytes, and in one case of 10^31 for more (up to Hkdf::kMaxBytes; a stream of
/// that length without a password aborts).
Password read_password(const std::function<void(std::span<uint8_t>)>& expand);

}  // namespace dbm::secrets
