#include "local/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/files.h"
#include "local/process.h"

namespace dbm::local {

Result<Lock> Lock::take(const std::filesystem::path& path, std::string_view command,
                        std::chrono::seconds patience,
                        const std::function<void(const std::string&)>& waiting) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return system_error("open " + path.string());
  Lock lock(file);
  const auto taken = [&] { return flock(file, LOCK_EX | LOCK_NB) == 0; };
  if (!taken()) {
    if (errno != EWOULDBLOCK) return system_error("lock " + path.string());
    std::string holder = text_or_empty(path);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    if (holder.empty()) holder = "another cnpg-dbm";
    if (waiting) waiting(holder);
    if (!wait_until(taken, patience))
      return Error{fmt::format("{} still works in {}", holder, path.parent_path().string()),
                   "wait for its end, or give another --dir"};
  }
  const std::string text = fmt::format("cnpg-dbm {} (process {})\n", command, getpid());
  if (ftruncate(file, 0) != 0 || pwrite(file, text.data(), text.size(), 0) < 0)
    return system_error("write " + path.string());
  share_with_programs(file);
  return lock;
}

Lock::~Lock() {
  if (file_ < 0) return;
  share_with_programs(-1);
  if (ftruncate(file_, 0) != 0) errno = 0;  // what it says is for messages only
  close(file_);
}

}  // namespace dbm::local
