#include "cli/io.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace dbm::cli {
namespace {

Error reason(int error) {
  return {error == EISDIR ? "it is a directory" : std::strerror(error), "", code_of_errno(error)};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const bool standard = path == "-";
  const int file = standard ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return reason(errno);
  std::string text;
  struct stat status {};
  if (fstat(file, &status) == 0 && status.st_size > 0 && S_ISREG(status.st_mode))
    text.reserve(static_cast<size_t>(status.st_size) + 1);
  ssize_t n = 1;
  while (n != 0) {
    const size_t old = text.size();
    text.resize(old + 64 * 1024);
    n = read(file, text.data() + old, text.size() - old);
    text.resize(old + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n < 0 && errno != EINTR) break;
  }
  const int error = errno;
  if (!standard) close(file);
  if (n < 0) return reason(error);
  return text;
}

void Stdout::write(std::string_view text) {
  if (text.size() > kBlock) {  // as it is, without a copy
    if (flush() && !write_all(STDOUT_FILENO, text)) error_ = errno;
    return;
  }
  buffer_ += text;
  if (buffer_.size() > kBlock) flush();
}

bool Stdout::flush() {
  if (error_ == 0 && !write_all(STDOUT_FILENO, buffer_)) error_ = errno;
  buffer_.clear();
  return error_ == 0;
}

Status write_file(const std::string& path, std::string_view text, bool is_private) {
  struct stat old {};
  if (lstat(path.c_str(), &old) == 0 && !S_ISREG(old.st_mode))
    return Error{"cannot write " + path + ": it is not a regular file", "name another file, or remove this one"};
  const mode_t mask = umask(077);
  umask(mask);
  return replace_file(path, text, is_private ? 0600 : 0644 & ~mask);
}

}  // namespace dbm::cli
