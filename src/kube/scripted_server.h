#pragma once

// For tests: an API server of one function. Plain HTTP on loopback, one connection a request, answered one
// after the other by a thread of its own; ends with the object.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace dbm::kube::testing {

struct ScriptedAnswer {
  int status = 200;
  std::string body = "{}";
};

class ScriptedServer {
 public:
  struct Asked {
    std::string method, target, body;
  };
  /// `answer` is called from the server's thread.
  explicit ScriptedServer(std::function<ScriptedAnswer(const Asked&)> answer) : answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* at = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, at, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, at, &size) != 0) std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  /// What was asked so far.
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0; close(connection)) {
      const auto request = read(connection);
      if (!request) continue;
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(*request);
      }
      const ScriptedAnswer answer = answer_(*request);
      write(connection, fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                                    answer.status, answer.body.size(), answer.body));
    }
  }
  static std::optional<Asked> read(int connection) {
    std::string text;
    size_t end = text.npos, length = 0;
    while (end == text.npos || text.size() < end + 4 + length) {
      char piece[4096];
      const ssize_t got = recv(connection, piece, sizeof piece, 0);
      if (got <= 0) return std::nullopt;
      text.append(piece, static_cast<size_t>(got));
      if (end != text.npos || (end = text.find("\r\n\r\n")) == text.npos) continue;
      constexpr std::string_view kLength = "Content-Length: ";
      if (const size_t at = text.find(kLength); at < end)
        std::from_chars(text.data() + at + kLength.size(), text.data() + end, length);
    }
    const size_t first = text.find(' '), second = text.find(' ', first + 1);
    return Asked{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(end + 4)};
  }
  static void write(int connection, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(connection, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }

  int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  uint16_t port_ = 0;
  std::function<ScriptedAnswer(const Asked&)> answer_;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
  std::thread thread_;
};

/// A Status object.
inline ScriptedAnswer refused(int status, std::string_view reason) {
  return {status, fmt::format(R"({{"kind":"Status","reason":"{}","message":"{}"}})", reason, reason)};
}

}  // namespace dbm::kube::testing
