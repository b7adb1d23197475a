#include "local/identity.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "base/child.h"
#include "base/files.h"

namespace dbm::local {
namespace {

bool is_empty(int folder) {
  const int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
  DIR* listed = copy >= 0 ? fdopendir(copy) : nullptr;
  if (listed == nullptr) {
    if (copy >= 0) close(copy);
    return false;
  }
  bool empty = true;
  while (const dirent* entry = readdir(listed))
    if (std::string_view name = entry->d_name; name != "." && name != "..") empty = false;
  closedir(listed);
  return empty;
}

/// Makes the folder, and gives it to the user: a new one, or an empty one of root's, which is what a run
/// leaves that is killed right here. Never what a link leads to: root would give away any folder.
Status give_folder(const std::filesystem::path& path, const passwd& user) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);  // stay root's, and let the user through
  if (auto made = make_folders(path); !made) return made;
  const OpenFile folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.fd() < 0 && (errno == ELOOP || errno == ENOTDIR))
    return Error{fmt::format("{} is a link, not a folder", path.string()), "give the folder itself as --dir"};
  struct stat status {};
  if (folder.fd() < 0 || fstat(folder.fd(), &status) != 0) return system_error("open " + path.string());
  if (status.st_uid == user.pw_uid) return Ok{};
  if (status.st_uid != 0 || !is_empty(folder.fd()))
    return Error{fmt::format("{} does not belong to the user {}", path.string(), user.pw_name),
                 "give --run-as with its owner, or another --dir"};
  if (fchown(folder.fd(), user.pw_uid, user.pw_gid) != 0)
    return system_error(fmt::format("give {} to {}", path.string(), user.pw_name));
  return Ok{};
}

}  // namespace

std::string user_name() {
  const passwd* user = getpwuid(geteuid());
  return user != nullptr ? user->pw_name : std::to_string(geteuid());
}

Status become_unprivileged(const Layout& layout, const std::string& wanted, bool makes_folder) {
  if (!makes_folder && access(layout.root().c_str(), F_OK) != 0) return Ok{};
  if (geteuid() != 0) {
    if (wanted.empty() || wanted == user_name()) return Ok{};
    return Error{fmt::format("only root can run the servers as {}", wanted),
                 "leave --run-as out: they run as you"};
  }
  const passwd* user = getpwnam(wanted.empty() ? "postgres" : wanted.c_str());
  if (user == nullptr && wanted.empty()) user = getpwnam("nobody");
  if (user == nullptr) return Error{fmt::format("there is no user {}", wanted), ""};
  if (user->pw_uid == 0)
    return Error{"PostgreSQL does not run as root", "give --run-as NAME, or run this as another user"};

  if (auto given = give_folder(layout.root(), *user); !given) return given;
  if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
      setuid(user->pw_uid) != 0)
    return system_error(fmt::format("become the user {}", user->pw_name));
  setenv("HOME", user->pw_dir, 1);
  if (access(layout.root().c_str(), W_OK | X_OK) != 0 || chdir(layout.root().c_str()) != 0)
    return Error{fmt::format("the user {} cannot enter {}", user_name(), layout.root().string()),
                 "give a --dir that it can reach"};
  return Ok{};
}

}  // namespace dbm::local
