#include "testing/pg_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace dbm::testing {
namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct PgServer::Programs {
  fs::path folder;  // of initdb and postgres
  uid_t uid = 0;    // whom they run as, where that is not ourselves
  gid_t gid = 0;
  bool switch_user = false;
};

namespace {

constexpr auto kPatience = 60s;  // for a machine that does much else
constexpr auto kNap = 5ms;       // between two looks
constexpr int kPortAttempts = 5;

Error system_error(std::string_view what) {
  return {fmt::format("cannot {}: {}", what, std::strerror(errno)), {}};
}

fs::path find_programs() {
  std::vector<fs::path> folders;
  int newest = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string name = entry.path().filename();
    int version = 0;
    std::from_chars(name.data(), name.data() + name.size(), version);
    if (version <= newest || !fs::exists(entry.path() / "bin/initdb")) continue;
    newest = version;
    folders.assign(1, entry.path() / "bin");
  }
  std::string_view path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    folders.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  for (const fs::path& folder : folders)
    if (fs::exists(folder / "initdb") && fs::exists(folder / "postgres")) return folder;
  return {};
}

std::string random_text() {
  std::array<uint8_t, 16> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  std::string out;
  for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A port that was free just now, or 0.
uint16_t free_port() {
  const Socket socket;
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket.fd(), generic, size) != 0 || getsockname(socket.fd(), generic, &size) != 0)
    return 0;
  return ntohs(address.sin_port);
}

bool can_connect(const std::string& port) {
  const Socket socket;
  uint16_t number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  const sockaddr_in address = loopback(number);
  return connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Starts a program in `folder`, with its output at the end of the log there. It gets `on_death`
/// when we die. -1 if there can be no process.
pid_t spawn(std::vector<std::string> words, const fs::path& folder, int on_death, bool switch_user,
            uid_t uid, gid_t gid) {
  // All memory is had before the fork: other threads may hold locks.
  std::vector<std::string> environment = {"LC_ALL=C", "TZ=UTC", "HOME=" + folder.string()};
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  const std::vector<char*> argv = pointers(words), envp = pointers(environment);
  const std::string log = folder / "log";
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;

  if (switch_user && (setgroups(0, nullptr) != 0 || setgid(gid) != 0 || setuid(uid) != 0))
    _exit(126);
  // After setuid, which forgets it; and if the parent died before this, nobody would tell.
  if (prctl(PR_SET_PDEATHSIG, on_death) != 0 || getppid() != parent) _exit(126);
  setsid();  // a Ctrl-C is for the test, which then ends its children
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (chdir(folder.c_str()) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
    _exit(126);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

/// Waits for the end of a child; false when it lives on after `patience`.
bool wait_for_end(pid_t pid, std::chrono::milliseconds patience, int& status) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kNap);
  }
}

/// Asks it to end, and makes it.
void stop(pid_t pid, int signal) {
  int status = 0;
  kill(pid, signal);
  if (wait_for_end(pid, 10s, status)) return;
  kill(pid, SIGKILL);
  wait_for_end(pid, 10s, status);
}

}  // namespace

Result<bool> PgServer::make_folder(const Programs& programs) {
  std::string name = fs::temp_directory_path() / "dbm-pg-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) return system_error("make a temporary folder");
  folder_ = name;
  password_ = random_text();
  const fs::path file = folder_ / "password";
  std::ofstream(file) << password_ << '\n';
  if (!programs.switch_user) return true;
  for (const fs::path& path : {folder_, file})
    if (chown(path.c_str(), programs.uid, programs.gid) != 0)
      return system_error("give the folder to the user postgres");
  return true;
}

Result<bool> PgServer::init(const Programs& programs) {
  const pid_t pid = spawn({programs.folder / "initdb", "--pgdata=data", "--username=" + user_,
                           "--pwfile=password", "--auth=scram-sha-256", "--encoding=UTF8",
                           "--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1"},
                          folder_, SIGTERM, programs.switch_user, programs.uid, programs.gid);
  if (pid < 0) return system_error("fork");
  int status = 0;
  if (!wait_for_end(pid, kPatience, status)) {
    stop(pid, SIGTERM);
    return Error{"initdb does not end:\n" + log(), {}};
  }
  if (status != 0) return Error{"initdb failed:\n" + log(), {}};
  return true;
}

/// The server says in its own file when it is ready: another one on the same port does not count.
bool PgServer::is_ready() const {
  const std::string text = read_file(folder_ / "data/postmaster.pid");
  return text.find("\nready") != text.npos && can_connect(port_);
}

Result<bool> PgServer::run(const Programs& programs) {
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    port_ = std::to_string(free_port());
    std::vector<std::string> words = {programs.folder / "postgres", "-D", "data"};
    for (const std::string& setting :
         {"listen_addresses=" + host_, "port=" + port_, std::string("unix_socket_directories="),
          std::string("fsync=off"), std::string("full_page_writes=off"),
          std::string("synchronous_commit=off"), std::string("autovacuum=off"),
          std::string("max_connections=20"), std::string("shared_buffers=16MB"),
          std::string("dynamic_shared_memory_type=mmap"),  // in the folder, gone with it
          std::string("password_encryption=scram-sha-256"),
          std::string("client_min_messages=warning")}) {
      words.emplace_back("-c");
      words.push_back(setting);
    }
    pid_ = spawn(words, folder_, SIGINT, programs.switch_user, programs.uid, programs.gid);
    if (pid_ < 0) return system_error("fork");
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    int status = 0;
    while (!wait_for_end(pid_, 0ms, status)) {
      if (is_ready()) return true;
      if (std::chrono::steady_clock::now() > deadline)
        return Error{"the server does not become ready:\n" + log(), {}};
      std::this_thread::sleep_for(kNap);
    }
    pid_ = -1;  // someone else may have taken the port
  }
  return Error{"the server does not start:\n" + log(), {}};
}

std::string PgServer::log() const { return read_file(folder_ / "log"); }

Result<std::unique_ptr<PgServer>> PgServer::start() {
  Programs programs{.folder = find_programs()};
  if (programs.folder.empty())
    return Error{"found no initdb and postgres", "install PostgreSQL's server"};
  if (geteuid() == 0) {
    const passwd* user = getpwnam("postgres");
    if (user == nullptr) return Error{"there is no user postgres to run the server as", {}};
    programs.uid = user->pw_uid;
    programs.gid = user->pw_gid;
    programs.switch_user = true;
  }
  std::unique_ptr<PgServer> server(new PgServer);
  server->owner_ = getpid();
  for (const auto step : {&PgServer::make_folder, &PgServer::init, &PgServer::run})
    if (auto done = (server.get()->*step)(programs); !done) return std::move(done).error();
  return server;
}

const Result<std::unique_ptr<PgServer>>& PgServer::shared() {
  static const Result<std::unique_ptr<PgServer>> server = start();
  return server;
}

PgServer::~PgServer() {
  if (owner_ != getpid()) return;
  if (pid_ > 0) stop(pid_, SIGINT);  // at once, but in order
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

}  // namespace dbm::testing
