#pragma once

// HKDF-SHA256 (RFC 5869): many independent keys from one.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct evp_mac_ctx_st;  // OpenSSL's EVP_MAC_CTX

namespace dbm::secrets {

/// Extracts once, in the constructor; each expand() then costs one HMAC per 32 bytes. Keeps the
/// extracted key in OpenSSL's memory, which wipes it. Aborts where OpenSSL fails, which only a
/// broken build or no memory can cause. Threads: expand() from any number at once.
class Hkdf {
 public:
  static constexpr size_t kMaxBytes = 255 * 32;  // RFC 5869, 2.3

  /// Without `salt`, 32 zero bytes stand for it (RFC 5869, 2.2).
  explicit Hkdf(std::string_view key, std::string_view salt = {});

  /// Fills `out`, at most kMaxBytes. A longer output begins with the shorter one.
  void expand(std::string_view info, std::span<uint8_t> out) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> keyed_;  // HMAC under the extracted key, never used up
};

}  // namespace dbm::secrets
