#include "secrets/hkdf.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "secrets/secret.h"

namespace dbm::secrets {
namespace {

constexpr size_t kHashBytes = 32;
using Block = std::array<uint8_t, kHashBytes>;

void require(bool ok) {
  if (!ok) std::abort();
}

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

EVP_MAC_CTX* new_hmac(std::span<const uint8_t> key) {
  // Fetched once: looking it up by name costs more than a HMAC.
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  require(context != nullptr && EVP_MAC_init(context, key.data(), key.size(), params) == 1);
  return context;
}

void update(EVP_MAC_CTX* context, std::span<const uint8_t> bytes) {
  require(EVP_MAC_update(context, bytes.data(), bytes.size()) == 1);
}

void finish(EVP_MAC_CTX* context, Block& out) {
  size_t size = 0;
  require(EVP_MAC_final(context, out.data(), &size, out.size()) == 1 && size == out.size());
}

}  // namespace

void Hkdf::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

Hkdf::Hkdf(std::string_view key, std::string_view salt) {
  constexpr Block kNoSalt{};
  const std::unique_ptr<EVP_MAC_CTX, Free> extract(
      new_hmac(salt.empty() ? std::span<const uint8_t>(kNoSalt)
                            : std::span(bytes_of(salt), salt.size())));
  update(extract.get(), {bytes_of(key), key.size()});
  Block extracted;
  finish(extract.get(), extracted);
  keyed_.reset(new_hmac(extracted));
  wipe(extracted.data(), extracted.size());
}

void Hkdf::expand(std::string_view info, std::span<uint8_t> out) const {
  assert(out.size() <= kMaxBytes);
  const std::unique_ptr<EVP_MAC_CTX, Free> hmac(EVP_MAC_CTX_dup(keyed_.get()));
  require(hmac != nullptr);
  Block block;
  for (uint8_t counter = 1; !out.empty(); ++counter) {
    if (counter > 1) {
      require(EVP_MAC_init(hmac.get(), nullptr, 0, nullptr) == 1);  // anew, under the same key
      update(hmac.get(), block);
    }
    update(hmac.get(), {bytes_of(info), info.size()});
    update(hmac.get(), {&counter, 1});
    finish(hmac.get(), block);
    const size_t n = std::min(out.size(), block.size());
    std::memcpy(out.data(), block.data(), n);
    out = out.subspan(n);
  }
  wipe(block.data(), block.size());
}

}  // namespace dbm::secrets
