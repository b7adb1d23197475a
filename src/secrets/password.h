#pragma once

// Passwords: 32 characters of [A-Za-z0-9], each as likely as any other (190 bits).

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string_view>
#include <vector>

#include "secrets/secret.h"

namespace dbm::secrets {

inline constexpr size_t kPasswordLength = 32;

/// Like Secret, without the heap: wiped when it goes, cannot be printed.
struct Password {
  std::array<char, kPasswordLength> chars{};

  Password() = default;
  Password(const Password&) = default;
  Password& operator=(const Password&) = default;
  ~Password() { wipe(chars.data(), chars.size()); }
  /// The password itself; good while this object lives unchanged.
  std::string_view view() const { return {chars.data(), chars.size()}; }
};

std::ostream& operator<<(std::ostream&, const Password&) = delete;

/// Fills the whole buffer with random bytes. Tests inject one that counts.
using ByteSource = std::function<void(std::span<uint8_t>)>;

/// The operating system's generator, getrandom(2). Aborts the process rather than give fewer bytes.
/// Any thread.
void os_random(std::span<uint8_t> out);

/// Makes passwords from a source of bytes, which is asked for kBlockBytes at a time (one system
/// call for some 120 passwords). Bytes are wiped as soon as they are used. Threads: one at a
/// time; do not go on with it in a forked child, which would make the parent's passwords.
class PasswordSource {
 public:
  static constexpr size_t kBlockBytes = 4 * 1024;

  explicit PasswordSource(ByteSource source = os_random);
  ~PasswordSource();
  PasswordSource(const PasswordSource&) = delete;
  PasswordSource& operator=(const PasswordSource&) = delete;
  Password next();

 private:
  ByteSource source_;
  std::vector<uint8_t> buffer_;
  size_t used_;
};

/// Letters and digits from random bytes without bias: of 256 values the last 8 (256 mod 62) are
/// skipped, so that each character stands for exactly four. Reads `bytes` from index `used` on and
/// moves `used` past what it read. Returns how many characters were written; fewer than `out` holds
/// when the bytes ran out. Part of what derived passwords are: never to be changed (derive.h).
size_t to_alphanumeric(std::span<const uint8_t> bytes, size_t& used, std::span<char> out);

}  // namespace dbm::secrets
