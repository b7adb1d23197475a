#include "local/layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "local/stable_hash.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;

fs::path default_root() {
  if (geteuid() == 0) return "/var/lib/cnpg-dbm";
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/')
    return fs::path(data) / "cnpg-dbm";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr && *home != '\0' ? home : "/tmp") / ".local/share/cnpg-dbm";
}

/// Longest name of a Cluster, the instance, and "/.s.PGSQL.65535" with its lock file.
constexpr size_t kRoomForNames = 50 + 4 + 22;
constexpr size_t kSocketPath = 107;  // sun_path, without the end

}  // namespace

Layout::Layout(const std::string& dir)
    : root_(fs::absolute(dir.empty() ? default_root() : fs::path(dir)).lexically_normal()) {
  if (root_.filename().empty()) root_ = root_.parent_path();  // "dir/"
  run_ = root_ / "run";
  if (run_.string().size() + kRoomForNames > kSocketPath)
    run_ = fmt::format("/tmp/cnpg-dbm-{:08x}", stable_hash(root_.string()));
}

fs::path Layout::data(std::string_view cluster, int instance) const {
  return this->cluster(cluster) / fmt::format("instance-{}", instance);
}

fs::path Layout::log(std::string_view cluster, std::string_view what) const {
  return this->cluster(cluster) / "log" / fmt::format("{}.log", what);
}

fs::path Layout::sockets(std::string_view cluster, int instance) const {
  return run_ / fmt::format("{}-{}", cluster, instance);
}

Status Layout::make() const {
  // It goes into commands, configuration files and URIs, each with quoting of its own.
  for (const char c : root_.string())
    if (static_cast<unsigned char>(c) < ' ' || std::string_view("'\"\\$`%;#").find(c) != std::string_view::npos)
      return Error{fmt::format("the folder {} has a character in its name that PostgreSQL's files cannot hold",
                               printable(root_.string())),
                   "give another --dir"};
  for (const fs::path& folder : {root_, run_}) {
    if (auto made = make_folders(folder); !made) return made;
    struct stat status {};
    if (lstat(folder.c_str(), &status) != 0) return system_error("look at " + folder.string());
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
      return Error{fmt::format("{} is not a folder of this user", folder.string()),
                   "give another --dir, or run the command as its owner"};
    if ((status.st_mode & 07777) != 0700 && chmod(folder.c_str(), 0700) != 0)
      return system_error("make " + folder.string() + " private");
  }
  return Ok{};
}

}  // namespace dbm::local
