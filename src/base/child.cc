#include "base/child.h"

#include <cerrno>
#include <csignal>

#include "base/files.h"

namespace dbm {
namespace {

/// The strings as execve wants them.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<pid_t> start_child(const std::string& program, std::vector<std::string> words, std::vector<std::string> environment,
                          FileActions& actions, bool own_session) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, ours;
  sigemptyset(&none);
  sigemptyset(&ours);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&ours, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &ours);
  posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                           (own_session ? POSIX_SPAWN_SETSID : 0)));
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, program.c_str(), actions.get(), &attributes, pointers(words).data(),
                                 pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return pid;
  errno = failed;
  return system_error("start " + program);
}

}  // namespace dbm
