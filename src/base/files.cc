#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dbm {
namespace {

namespace fs = std::filesystem;

void sync_folder(const fs::path& folder) {
  const int file = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  fsync(file);
  close(file);
}

}  // namespace

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Error system_error(std::string_view what) {
  const int why = errno;
  return {"cannot " + std::string(what) + ": " + std::strerror(why),
          why == ENOSPC ? "make room on the disk and run the command again"
          : why == EACCES || why == EPERM ? "look at the owner and the mode of the file and its folder"
                                          : "",
          code_of_errno(why)};
}

Result<std::string> read_text(const fs::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return system_error("read " + path.string());
  std::string text;
  std::array<char, 16384> buffer;
  ssize_t n = 0;
  while ((n = read(file, buffer.data(), buffer.size())) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
  const int why = errno;
  close(file);
  if (n == 0) return text;
  errno = why;
  return system_error("read " + path.string());
}

std::string text_or_empty(const fs::path& path) {
  auto text = read_text(path);
  return text ? std::move(text).value() : std::string();
}

namespace {

enum class Sync { kNone, kFile, kFolder };  // kFolder: of the file too

Status replace(const fs::path& path, std::string_view text, mode_t mode, Sync sync) {
  std::string temporary = path.string() + ".XXXXXX";
  const int file = mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return system_error("write " + path.string());
  bool good = fchmod(file, mode) == 0 && write_all(file, text) && (sync == Sync::kNone || fsync(file) == 0);
  int why = errno;
  if (close(file) != 0 && good) {
    good = false;
    why = errno;
  }
  if (good && rename(temporary.c_str(), path.c_str()) == 0) {
    if (sync == Sync::kFolder) sync_folder(path.parent_path());
    return Ok{};
  }
  if (good) why = errno;
  unlink(temporary.c_str());
  errno = why;
  return system_error("write " + path.string());
}

/// After a mkdir that found something there.
Status require_folder(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return Ok{};
    errno = ENOTDIR;
  }
  return system_error("make the folder " + path.string());
}

}  // namespace

Status write_atomically(const fs::path& path, std::string_view text, mode_t mode, bool durable) {
  return replace(path, text, mode, durable ? Sync::kFolder : Sync::kFile);
}

Status replace_file(const fs::path& path, std::string_view text, mode_t mode) {
  return replace(path, text, mode, Sync::kNone);
}

Result<bool> write_if_changed(const fs::path& path, std::string_view text, mode_t mode) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && (status.st_mode & 07777) == mode &&
      static_cast<size_t>(status.st_size) == text.size() && text_or_empty(path) == text)
    return false;
  if (auto written = write_atomically(path, text, mode); !written) return std::move(written).error();
  return true;
}

Status make_folders(const fs::path& path) {
  if (path.empty() || path == "/") return Ok{};
  if (mkdir(path.c_str(), 0700) == 0) return Ok{};
  if (errno == EEXIST) return require_folder(path);
  if (errno != ENOENT) return system_error("make the folder " + path.string());
  if (auto above = make_folders(path.parent_path()); !above) return above;
  if (mkdir(path.c_str(), 0700) == 0) return Ok{};
  if (errno == EEXIST) return require_folder(path);  // made by somebody else since
  return system_error("make the folder " + path.string());
}

}  // namespace dbm
