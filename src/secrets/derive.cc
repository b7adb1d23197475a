#include "secrets/derive.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secrets/base64.h"

namespace dbm::secrets {
namespace {

constexpr std::string_view kPrefix = "cnpg-dbm-key-v1:";
constexpr size_t kKeyBytes = 32;

/// HKDF-SHA256 without salt; aborts when OpenSSL cannot, which only a broken build can cause.
void hkdf(std::string_view key, std::string_view info, std::span<uint8_t> out) {
  static const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), &EVP_KDF_free);
  thread_local const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), &EVP_KDF_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(key.data()),
                                        key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end()};
  EVP_KDF_CTX_reset(context.get());
  if (EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1) std::abort();
}

KeyOrError failure(std::string error, std::string hint) {
  return {std::nullopt, std::move(error), std::move(hint)};
}

}  // namespace

Secret make_key(const ByteSource& source) {
  std::array<uint8_t, kKeyBytes> bytes;
  source(bytes);
  std::string text(kPrefix);
  append_base64(text, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  wipe(bytes.data(), bytes.size());
  return Secret(std::move(text));
}

KeyOrError parse_key(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  constexpr std::string_view kHint = "make one with: cnpg-dbm keygen > FILE";
  if (!text.starts_with(kPrefix))
    return failure("this is no master key", std::string(kHint));
  const auto bytes = decode_base64(text.substr(kPrefix.size()));
  if (!bytes || bytes->size() != kKeyBytes)
    return failure("the master key is damaged: it must hold 32 bytes in base64",
                   std::string(kHint));
  return {Secret(*bytes), {}, {}};
}

KeyOrError read_key_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failure(fmt::format("cannot open {}: {}", path, std::strerror(errno)), {});
  struct stat status {};
  fstat(file, &status);
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0) {
    close(file);
    return failure(fmt::format("{} can be read by others than its owner", path),
                   fmt::format("chmod 600 {}", path));
  }
  std::string text(256, '\0');
  const ssize_t n = read(file, text.data(), text.size());
  close(file);
  if (n < 0) return failure(fmt::format("cannot read {}: {}", path, std::strerror(errno)), {});
  text.resize(static_cast<size_t>(n));
  KeyOrError key = parse_key(text);
  wipe(text.data(), text.size());
  if (!key.key) key.error = fmt::format("{}: {}", path, key.error);
  return key;
}

Deriver::Deriver(Secret key) : key_(std::move(key)) {}

Password Deriver::password(std::string_view ns, std::string_view cluster, std::string_view role,
                           int64_t generation) const {
  const std::string info = fmt::format("{}/{}/{}/{}", ns, cluster, role, generation);
  std::array<uint8_t, 128> bytes;  // 32 letters from 128 bytes fail with probability 2^-400
  hkdf(key_.reveal(), info, bytes);
  Password password;
  size_t used = 0;
  if (to_alphanumeric(bytes, used, password.chars) != kPasswordLength) std::abort();
  wipe(bytes.data(), bytes.size());
  return password;
}

}  // namespace dbm::secrets
