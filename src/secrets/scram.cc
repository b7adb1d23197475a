#include "secrets/scram.h"

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "secrets/base64.h"
#include "secrets/secret.h"

namespace dbm::secrets {
namespace {

using Digest = std::array<uint8_t, 32>;
constexpr std::string_view kName = "SCRAM-SHA-256$";

Digest hmac(std::span<const uint8_t> key, std::string_view text) {
  Digest out;
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const uint8_t*>(text.data()), text.size(), out.data(), &size) == nullptr)
    std::abort();
  return out;
}

std::string base64(std::span<const uint8_t> bytes) {
  std::string out;
  append_base64(out, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return out;
}

}  // namespace

std::string scram_verifier(std::string_view password, std::span<const uint8_t> salt,
                           int iterations) {
  Digest salted;
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                        static_cast<int>(salt.size()), iterations, EVP_sha256(),
                        static_cast<int>(salted.size()), salted.data()) != 1)
    std::abort();
  Digest client_key = hmac(salted, "Client Key");
  const Digest server_key = hmac(salted, "Server Key");
  Digest stored_key;
  EVP_Digest(client_key.data(), client_key.size(), stored_key.data(), nullptr, EVP_sha256(),
             nullptr);
  wipe(salted.data(), salted.size());
  wipe(client_key.data(), client_key.size());  // as good as the password for a login
  return fmt::format("{}{}:{}${}:{}", kName, iterations, base64(salt), base64(stored_key),
                     base64(server_key));
}

std::string scram_verifier(std::string_view password, const ByteSource& source) {
  std::array<uint8_t, 16> salt;
  source(salt);
  return scram_verifier(password, salt);
}

bool scram_verify(std::string_view password, std::string_view verifier) {
  if (!verifier.starts_with(kName)) return false;
  const std::string_view rest = verifier.substr(kName.size());
  const size_t colon = rest.find(':'), dollar = rest.find('$');
  if (colon == rest.npos || dollar == rest.npos || dollar < colon) return false;
  int iterations = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + colon, iterations);
  if (error != std::errc() || end != rest.data() + colon || iterations < 1 ||
      iterations > kMostIterations)
    return false;
  const auto salt = decode_base64(rest.substr(colon + 1, dollar - colon - 1));
  if (!salt) return false;
  const std::string expected = scram_verifier(
      password, {reinterpret_cast<const uint8_t*>(salt->data()), salt->size()}, iterations);
  return expected.size() == verifier.size() &&
         CRYPTO_memcmp(expected.data(), verifier.data(), expected.size()) == 0;
}

}  // namespace dbm::secrets
