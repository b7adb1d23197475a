#include "secrets/derive.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secrets/base64.h"

namespace dbm::secrets {
namespace {

constexpr std::string_view kPrefix = "cnpg-dbm-key-v1:";
constexpr size_t kKeyBytes = 32;
constexpr size_t kFileLimit = 4096;  // far more than a key: what is longer is something else
constexpr char kMakeOne[] = "make one with: cnpg-dbm keygen > FILE; chmod 600 FILE";

class File {
 public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error system_error(std::string_view what) {
  return {fmt::format("cannot {}: {}", what, std::strerror(errno)), {}};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t start = text.find_first_not_of(kSpace);
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

/// The file's bytes; one over the limit is given as kFileLimit bytes, which no key has.
Result<Secret> read_some(int fd) {
  std::string text(kFileLimit, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = read(fd, text.data() + size, text.size() - size);
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Error error = system_error("read the key file");
      wipe(text);
      return error;
    }
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  return Secret(std::move(text));
}

Result<Secret> read_key(const std::string& path) {
  const File file(path);
  struct stat status {};
  if (file.fd() < 0 || fstat(file.fd(), &status) != 0) return system_error("open the key file");
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
    return Error{fmt::format("the key file can be used by others than its owner (mode {:04o})",
                             status.st_mode & 07777U),
                 fmt::format("chmod 600 '{}', or defaultMode: 0400 for a Secret in a Pod", path)};
  Result<Secret> text = read_some(file.fd());
  return text ? parse_key(text->reveal()) : text;
}

}  // namespace

Secret make_key(const ByteSource& source) {
  std::array<uint8_t, kKeyBytes> bytes;
  source(bytes);
  std::string text;
  text.reserve(kPrefix.size() + base64_size(kKeyBytes) + 1);  // never moved: no copy is left behind
  text += kPrefix;
  append_base64(text, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  wipe(bytes.data(), bytes.size());
  return Secret(std::move(text));
}

Result<Secret> parse_key(std::string_view text) {
  text = trim(text);
  if (text.empty()) return Error{"the master key is empty", kMakeOne};
  if (!text.starts_with(kPrefix))
    return Error{fmt::format("this is no master key: it does not begin with \"{}\"", kPrefix),
                 kMakeOne};
  auto bytes = decode_base64(text.substr(kPrefix.size()));
  if (!bytes) return Error{"the master key is damaged: it is not one line of base64", kMakeOne};
  const size_t size = bytes->size();
  Secret key(std::move(*bytes));
  if (size != kKeyBytes)
    return Error{fmt::format("the master key is damaged: it has {} bytes instead of {}", size,
                             kKeyBytes),
                 kMakeOne};
  return key;
}

Result<Secret> read_key_file(const std::string& path) {
  Result<Secret> key = read_key(path);
  if (!key) return std::move(key).error().about(path);
  return key;
}

Password read_password(const std::function<void(std::span<uint8_t>)>& expand) {
  Password password;
  std::array<uint8_t, Hkdf::kMaxBytes> bytes;
  for (size_t size = 64;; size = bytes.size()) {
    expand(std::span(bytes).first(size));
    size_t used = 0;
    const size_t written = to_alphanumeric(std::span(bytes).first(size), used, password.chars);
    wipe(bytes.data(), size);
    if (written == kPasswordLength) return password;
    if (size == bytes.size()) std::abort();
  }
}

Password Deriver::password(std::string_view ns, std::string_view cluster, std::string_view role,
                           int64_t generation) const {
  const std::string info = fmt::format("{}/{}/{}/{}", ns, cluster, role, generation);
  return read_password([&](std::span<uint8_t> out) { hkdf_.expand(info, out); });
}

}  // namespace dbm::secrets
