#include "local/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "base/child.h"
#include "base/files.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kNap = 3ms;     // between two looks
constexpr int kGrace = 10000;  // milliseconds without output in which an interrupted program has to end

/// Messages in English, nothing of the user's PG… variables.
std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> out = {"LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin"};
  for (const char* name : {"HOME", "TZ", "TMPDIR"})
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  out.insert(out.end(), command.environment.begin(), command.environment.end());
  return out;
}

std::atomic<int> shared_file = -1;

/// Readable while interrupted.
int interruption() {
  static const int file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return file;
}
std::atomic<bool> interrupted = false;

Result<pid_t> spawn(const Command& command, int in, int out, bool own_session) {
  FileActions actions;
  posix_spawn_file_actions_adddup2(actions.get(), in, 0);
  posix_spawn_file_actions_adddup2(actions.get(), out, 1);
  posix_spawn_file_actions_adddup2(actions.get(), out, 2);
  // A copy onto itself is not closed on exec.
  if (const int file = shared_file; file >= 0 && !own_session)
    posix_spawn_file_actions_adddup2(actions.get(), file, file);
  posix_spawn_file_actions_addchdir_np(actions.get(), command.folder.c_str());
  return start_child(command.words[0], command.words, environment_of(command), actions, own_session);
}

int shell_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

void share_with_programs(int file) { shared_file = file; }

void interrupt() {
  interrupted = true;
  eventfd_write(interruption(), 1);
}

void resume() {
  eventfd_t ignored = 0;
  eventfd_read(interruption(), &ignored);
  interrupted = false;
}

bool is_interrupted() { return interrupted; }

std::string tail(std::string_view text, size_t bytes) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.size() <= bytes) return std::string(text);
  text.remove_prefix(text.size() - bytes);
  const size_t line = text.find('\n');
  return std::string(line == text.npos ? text : text.substr(line + 1));
}

Result<Ended> run(const Command& command) {
  std::array<int, 2> in{}, out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0) return system_error("make a pipe");
  OpenFile in_read(in[0]), in_write(in[1]);
  if (pipe2(out.data(), O_CLOEXEC) != 0) return system_error("make a pipe");
  OpenFile out_read(out[0]), out_write(out[1]);
  auto pid = spawn(command, in[0], out[1], /*own_session=*/false);
  if (!pid) return std::move(pid).error();
  in_read.close();
  out_write.close();

  Ended ended;
  std::string_view input = command.input;
  std::array<char, 16384> buffer;
  bool told_to_end = false;
  fcntl(in_write.fd(), F_SETFL, O_NONBLOCK);
  while (true) {
    if (input.empty()) in_write.close();
    // A file of -1 is not looked at.
    std::array<pollfd, 3> polls{{{out_read.fd(), POLLIN, 0},
                                 {in_write.fd(), POLLOUT, 0},
                                 {told_to_end ? -1 : interruption(), POLLIN, 0}}};
    const int events = poll(polls.data(), polls.size(), told_to_end ? kGrace : -1);
    if (events < 0 && errno != EINTR) break;
    if (events < 0) continue;
    if (events == 0) {
      kill(*pid, SIGKILL);
      break;
    }
    if (polls[2].revents != 0) {
      kill(*pid, SIGTERM);
      told_to_end = true;
    }
    if (polls[1].revents != 0) {
      const ssize_t n = write(in_write.fd(), input.data(), input.size());
      if (n > 0) input.remove_prefix(static_cast<size_t>(n));
      else if (errno != EAGAIN && errno != EINTR) input = {};
    }
    if (polls[0].revents == 0) continue;
    const ssize_t n = read(out_read.fd(), buffer.data(), buffer.size());
    if (n > 0) ended.output.append(buffer.data(), static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (told_to_end) return Error{fmt::format("{} was interrupted", command.words[0]), ""};
  ended.status = shell_status(status);
  return ended;
}

Status run_well(const Command& command, std::string_view what) {
  const auto ended = run(command);
  if (!ended) return ended.error();
  if (ended->good()) return Ok{};
  return Error{fmt::format("{} failed with exit code {}:\n{}", what, ended->status,
                           tail(ended->output)),
               ended->output.find("No space left") != std::string::npos
                   ? "make room on the disk and run the command again"
                   : ""};
}

Result<pid_t> start_server(const Command& command, const fs::path& log) {
  const OpenFile in(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const OpenFile out(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (out.fd() < 0) return system_error("write " + log.string());
  return spawn(command, in.fd(), out.fd(), /*own_session=*/true);
}

bool is_alive(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) == pid) return false;
  if (kill(pid, 0) != 0 && errno != EPERM) return false;
  // One that ended is there until its parent collects it; in a container that may be never.
  const std::string text = text_or_empty(fmt::format("/proc/{}/stat", pid));
  const size_t name_end = text.rfind(')');
  return name_end == text.npos || text.substr(name_end + 1, 2) != " Z";
}

namespace {

bool look_until(const std::function<bool()>& done, std::chrono::milliseconds patience, pid_t pid, bool gives_up) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (pid != 0 && !is_alive(pid)) return done();
    if ((gives_up && interrupted) || std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kNap);
  }
  return true;
}

}  // namespace

bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds patience, pid_t pid) {
  return look_until(done, patience, pid, /*gives_up=*/true);
}

bool stop_process(pid_t pid, int signal, std::chrono::milliseconds patience) {
  if (kill(pid, signal) != 0) return !is_alive(pid);
  return look_until([&] { return !is_alive(pid); }, patience, 0, /*gives_up=*/false);
}

std::optional<pid_t> running(const fs::path& pid_file, std::string_view program, const fs::path& folder) {
  const std::string text = text_or_empty(pid_file);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 1 || !is_alive(pid)) return std::nullopt;
  // The executable's link tells the program; where it may not be read, its name does (15 bytes).
  std::error_code error;
  fs::path file = fs::read_symlink(fmt::format("/proc/{}/exe", pid), error);
  std::string name = error ? text_or_empty(fmt::format("/proc/{}/comm", pid)) : file.filename().string();
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (name.ends_with(" (deleted)")) name.resize(name.size() - 10);  // upgraded while it runs
  if (name != program.substr(0, error ? 15 : program.npos)) return std::nullopt;
  if (folder.empty()) return pid;
  const bool there = fs::equivalent(fmt::format("/proc/{}/cwd", pid), folder, error);
  return there || error == std::errc::permission_denied ? std::optional(pid) : std::nullopt;
}

}  // namespace dbm::local
