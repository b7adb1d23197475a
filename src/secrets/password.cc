#include "secrets/password.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <sys/random.h>

namespace dbm::secrets {

void os_random(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno != EINTR) {
      std::perror("cnpg-dbm: getrandom");
      std::abort();  // no password is better than a weak one
    }
    if (n > 0) out = out.subspan(static_cast<size_t>(n));
  }
}

size_t to_alphanumeric(std::span<const uint8_t> bytes, size_t& used, std::span<char> out) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned kUsable = 256 / 62 * 62;
  size_t written = 0;
  while (written < out.size() && used < bytes.size()) {
    const uint8_t byte = bytes[used++];
    if (byte < kUsable) out[written++] = kAlphabet[byte % 62];
  }
  return written;
}

PasswordSource::PasswordSource(ByteSource source)
    : source_(std::move(source)), buffer_(kBlockBytes), used_(kBlockBytes) {}

PasswordSource::~PasswordSource() { wipe(buffer_.data(), buffer_.size()); }

Password PasswordSource::next() {
  Password password;
  std::span<char> rest = password.chars;
  while (!rest.empty()) {
    if (used_ == buffer_.size()) {
      source_(buffer_);
      used_ = 0;
    }
    const size_t start = used_;
    rest = rest.subspan(to_alphanumeric(buffer_, used_, rest));
    wipe(buffer_.data() + start, used_ - start);
  }
  return password;
}

}  // namespace dbm::secrets
