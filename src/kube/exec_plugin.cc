#include "kube/exec_plugin.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <thread>

#include "base/child.h"
#include "base/files.h"
#include "base/text.h"
#include "kube/json.h"
#include "kube/pem.h"
#include "yaml/writer.h"

namespace dbm::kube {
namespace {

using namespace std::chrono_literals;
using secrets::Secret;
using yaml::Value;
using Deadline = std::chrono::steady_clock::time_point;

constexpr size_t kMaxOutput = 1 << 20;
constexpr auto kNap = 3ms;  // between two looks whether it ended

// ---- before ----

/// The program's path. Relative folders of PATH do not count: a plugin is not to be what happens to
/// lie in the current folder.
std::optional<std::string> find_program(const std::string& command) {
  if (command.find('/') != command.npos)
    return access(command.c_str(), X_OK) == 0 ? std::optional(command) : std::nullopt;
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders != nullptr ? folders : "";
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string path = fmt::format("{}/{}", rest.substr(0, end), command);
    if (path.starts_with('/') && access(path.c_str(), X_OK) == 0) return path;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

std::string exec_info(const ExecPlugin& plugin, bool interactive) {
  std::string out = R"({"kind":"ExecCredential","apiVersion":)";
  yaml::write_json_string(out, plugin.api_version);
  out += fmt::format(R"(,"spec":{{"interactive":{})", interactive);
  if (!plugin.cluster_info.empty()) out += R"(,"cluster":)" + plugin.cluster_info;
  return out + "}}";
}

/// Ours, and the plugin's own, which go first; of each name the last one.
std::vector<std::string> environment_of(const ExecPlugin& plugin, bool interactive) {
  std::map<std::string, std::string, std::less<>> own;
  for (const auto& [name, value] : plugin.env) own.insert_or_assign(name, value);
  own.insert_or_assign("KUBERNETES_EXEC_INFO", exec_info(plugin, interactive));
  std::vector<std::string> out;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string_view text = *line;
    if (!own.contains(text.substr(0, text.find('=')))) out.emplace_back(text);
  }
  for (const auto& [name, value] : own) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

// ---- while it runs ----

/// Starts it with `out` as its standard output; without a terminal, /dev/null is its input.
Result<pid_t> start(const std::string& program, const ExecPlugin& plugin, int out, bool interactive) {
  std::vector<std::string> words = {plugin.command}, environment = environment_of(plugin, interactive);
  words.insert(words.end(), plugin.args.begin(), plugin.args.end());
  FileActions actions;
  if (!interactive) posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), out, 1);
  return start_child(program, std::move(words), std::move(environment), actions);
}

/// Reads to the end; false when it is too long or comes too late.
bool read_output(int file, Deadline deadline, std::string& out) {
  out.reserve(64 * 1024);  // tokens leave no copies behind when it grows
  std::array<char, 16384> buffer;
  while (out.size() <= kMaxOutput) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{file, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t n = read(file, buffer.data(), buffer.size());
    if (n > 0) out.append(buffer.data(), static_cast<size_t>(n));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      secrets::wipe(buffer.data(), buffer.size());
      return n == 0;
    }
  }
  return false;
}

/// Its exit code as a shell tells it; killed when it lives on after the deadline.
std::optional<int> wait_for_end(pid_t pid, Deadline deadline) {
  int status = 0;
  for (;;) {
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (ended < 0 && errno != EINTR) return std::nullopt;
    if (std::chrono::steady_clock::now() >= deadline) break;
    std::this_thread::sleep_for(kNap);
  }
  kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

// ---- what it said ----

/// RFC 3339.
std::optional<std::chrono::sys_seconds> parse_time(const std::string& text) {
  std::tm date{}, zone{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &date);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') rest += 1 + std::strspn(rest + 1, "0123456789");
  rest = strptime(rest, "%z", &zone);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&date) - zone.tm_gmtoff));
}

std::string text_at(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr && value->is_string() ? std::string(value->text()) : std::string();
}

Result<ExecCredential> credential_of(const Value& status) {
  ExecCredential out;
  out.identity.bearer_token = Secret(text_at(status, "token"));
  out.identity.client_certificate = text_at(status, "clientCertificateData");
  out.identity.client_key = Secret(text_at(status, "clientKeyData"));
  const auto token = out.identity.bearer_token.reveal();
  if (std::ranges::any_of(token, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
    return Error{"its status.token holds a line end or another control character", {}};
  if (out.identity.client_certificate.empty() != out.identity.client_key.empty())
    return Error{"its status has only one of clientCertificateData and clientKeyData", {}};
  if (token.empty() && out.identity.client_key.empty())
    return Error{"its status has neither token nor clientCertificateData and clientKeyData", {}};
  if (!out.identity.client_key.empty()) {
    if (auto problem = certificate_problem(out.identity.client_certificate))
      return std::move(*problem).about("its status.clientCertificateData");
    if (auto problem = key_problem(out.identity.client_key.reveal())) return std::move(*problem).about("its status.clientKeyData");
  }
  if (const std::string expires = text_at(status, "expirationTimestamp"); !expires.empty()) {
    out.expires = parse_time(expires);
    if (!out.expires) return Error{"its status.expirationTimestamp is no time of RFC 3339", {}};
  }
  return out;
}

}  // namespace

Result<ExecCredential> read_exec_credential(std::string_view text, std::string_view api_version) {
  yaml::Arena arena;
  const auto said = read_json(arena, text);
  if (!said) return Error{"it printed no ExecCredential: " + said.error().message, {}};
  if (text_at(*said, "kind") != "ExecCredential") return Error{"it printed JSON that is no ExecCredential", {}};
  if (const std::string version = text_at(*said, "apiVersion"); version != api_version)
    return Error{fmt::format("it printed an ExecCredential of {}, not {}", printable(version), api_version),
                 "exec.apiVersion must be the version that the plugin speaks"};
  const Value* status = said->find("status");
  if (status == nullptr || !status->is_map()) return Error{"its ExecCredential has no status", {}};
  return credential_of(*status);
}

Result<ExecCredential> run_plugin(const ExecPlugin& plugin, std::chrono::milliseconds patience) {
  const bool interactive = plugin.interactive != Interactive::kNever && isatty(STDIN_FILENO) != 0;
  if (plugin.interactive == Interactive::kAlways && !interactive)
    return Error{"it asks questions (interactiveMode: Always), and standard input is no terminal", {}};
  const auto program = find_program(plugin.command);
  if (!program)
    return Error{"there is no such program",
                 plugin.install_hint.empty() ? "install it, or set PATH so that it is found" : printable(plugin.install_hint, 2000)};
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("make a pipe");
  OpenFile from(ends[0]), to(ends[1]);
  const auto pid = start(*program, plugin, to.fd(), interactive);
  if (!pid) return pid.error();
  to.close();

  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  std::string output;
  const bool complete = read_output(from.fd(), deadline, output);
  from.close();
  const auto exit = wait_for_end(*pid, complete ? deadline : Deadline());
  auto result = [&]() -> Result<ExecCredential> {
    if (output.size() > kMaxOutput) return Error{"it printed more than a credential", {}};
    if (!complete || !exit) return Error{fmt::format("it did not end within {} seconds", patience.count() / 1000.0), {}};
    if (*exit != 0) return Error{fmt::format("it ended with exit code {}", *exit), "run it by hand to see why"};
    return read_exec_credential(output, plugin.api_version);
  }();
  secrets::wipe(output);
  return result;
}

}  // namespace dbm::kube
