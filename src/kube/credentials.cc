#include "kube/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/files.h"
#include "kube/exec_plugin.h"

namespace dbm::kube {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using secrets::Secret;

constexpr auto kBeforeItExpires = 10s;

/// The token of a file, without the line end that editors leave.
Result<Secret> read_token(const std::string& path) {
  auto text = read_text(path);
  if (!text) return std::move(text).error();
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = std::min(text->find_first_not_of(kSpace), text->size());
  const size_t end = text->find_last_not_of(kSpace) + 1;
  Secret token(text->substr(first, end > first ? end - first : 0));
  secrets::wipe(*text);
  if (token.empty()) return Error{fmt::format("{} is empty", path), {}};
  if (std::ranges::any_of(token.reveal(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
    return Error{fmt::format("{} holds more than a token", path), {}};
  return token;
}

fs::file_time_type changed_at(const std::string& path) {
  std::error_code ignored;
  return fs::last_write_time(path, ignored);
}

bool same(const Identity& a, const Identity& b) {
  return a.bearer_token.reveal() == b.bearer_token.reveal() && a.client_certificate == b.client_certificate &&
         a.client_key.reveal() == b.client_key.reveal();
}

}  // namespace

struct Credentials::State {
  const Config& config;
  Patience patience;
  Identity identity;
  bool known = false;
  unsigned generation = 0;

  // Of a token file.
  fs::file_time_type changed;
  std::chrono::steady_clock::time_point read_at;
  bool held_token = false;  // false also in the midst of being written anew

  // Of a plugin.
  std::optional<std::chrono::sys_seconds> expires;
  std::optional<Identity> refused;

  bool is_stale() const {
    if (!known) return true;
    if (config.exec) return expires && std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + kBeforeItExpires >= *expires;
    if (config.token_file.empty()) return false;
    return !held_token || std::chrono::steady_clock::now() - read_at >= patience.token_file || changed_at(config.token_file) != changed;
  }

  /// What the configuration itself says.
  void start() {
    if (known) return;
    identity.client_certificate = config.client_certificate;
    identity.client_key = config.client_key;
    identity.user = config.user;
    identity.password = config.password;
    identity.bearer_token = config.token;
  }

  Status renew() {
    start();
    Status done = config.exec ? ask_plugin() : config.token_file.empty() ? Status(Ok{}) : read_file();
    if (done) known = true;
    return done;
  }

  /// While a file that was read once cannot be, its last token is good.
  Status read_file() {
    changed = changed_at(config.token_file);
    read_at = std::chrono::steady_clock::now();
    auto token = read_token(config.token_file);
    held_token = token.ok();
    if (token) {
      if (token->reveal() != identity.bearer_token.reveal()) ++generation;
      identity.bearer_token = std::move(token).value();
      return Ok{};
    }
    if (!identity.bearer_token.empty()) return Ok{};
    return std::move(token).error().about(config.where + ": tokenFile");
  }

  Status ask_plugin() {
    auto credential = run_plugin(*config.exec, patience.plugin);
    if (!credential) return std::move(credential).error().about(fmt::format("{}: exec: {}", config.where, config.exec->command));
    ++generation;
    expires = credential->expires;
    identity.bearer_token = std::move(credential->identity.bearer_token);
    if (!credential->identity.client_key.empty()) {
      identity.client_certificate = std::move(credential->identity.client_certificate);
      identity.client_key = std::move(credential->identity.client_key);
    }
    return Ok{};
  }

  bool refuse() {
    if (!known) return true;
    if (config.exec) {
      if (refused && same(*refused, identity)) return false;
      refused = identity;
      known = false;
      return true;
    }
    if (config.token_file.empty()) return false;
    const Secret before = identity.bearer_token;
    return read_file() && (!held_token || identity.bearer_token.reveal() != before.reveal());
  }
};

Credentials::Credentials(const Config& config, Patience patience)
    : state_(std::make_unique<State>(State{config, patience, {}, false, 0, {}, {}, false, {}, {}})) {}
Credentials::~Credentials() = default;

Result<const Identity*> Credentials::current() {
  if (state_->is_stale())
    if (auto renewed = state_->renew(); !renewed) return std::move(renewed).error();
  return &state_->identity;
}

bool Credentials::refused() { return state_->refuse(); }
unsigned Credentials::generation() const { return state_->generation; }

}  // namespace dbm::kube
