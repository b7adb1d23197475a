#include "local/identity.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "base/files.h"

namespace dbm::local {

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

  struct stat status {};
  std::error_code error;
  const bool there = stat(layout.root().c_str(), &status) == 0;
  // An empty one of root's is what a run leaves that is killed right here.
  if (!there || (status.st_uid == 0 && std::filesystem::is_empty(layout.root(), error))) {
    // Those above stay root's, and must let the user through.
    std::filesystem::create_directories(layout.root().parent_path(), error);
    if (auto made = make_folders(layout.root()); !made) return made;
    if (chown(layout.root().c_str(), user->pw_uid, user->pw_gid) != 0)
      return system_error(fmt::format("give {} to {}", layout.root().string(), user->pw_name));
  } else if (status.st_uid != user->pw_uid) {
    return Error{fmt::format("{} does not belong to the user {}", layout.root().string(),
                             user->pw_name),
                 "give --run-as with its owner, or another --dir"};
  }
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
