#pragma once

// Passwords: 32 characters of [A-Za-z0-9], each as likely as any other (190 bits).

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace dbm::secrets {

inline constexpr size_t kPasswordLength = 32;

struct Password {
  std::array<char, kPasswordLength> chars;
  std::string_view view() const { return {chars.data(), chars.size()}; }
};

/// Fills a buffer with random bytes; aborts the process rather than give fewer.
using ByteSource = std::function<void(std::span<uint8_t>)>;
/// The operating system's generator, getrandom(2).
void os_random(std::span<uint8_t> out);

/// Makes passwords from a source of bytes, which is asked for large blocks. One thread.
class PasswordSource {
 public:
  explicit PasswordSource(ByteSource source = os_random);
  ~PasswordSource();
  PasswordSource(const PasswordSource&) = delete;
  PasswordSource& operator=(const PasswordSource&) = delete;
  Password next();

 private:
  ByteSource source_;
  std::array<uint8_t, 4096> buffer_;
  size_t used_;
};

/// Letters and digits from random bytes without bias: bytes from 248 on are skipped. Returns how
/// many characters were written; fewer than `out` when the bytes ran out.
size_t to_alphanumeric(std::span<const uint8_t> bytes, size_t& used, std::span<char> out);

}  // namespace dbm::secrets
