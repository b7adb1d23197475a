#include "testing/http_peer.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"

namespace dbm::testing {
namespace {

using After = HttpReply::After;

/// The value of a header in "…\r\nName: value\r\n…".
std::string header_in(std::string_view head, std::string_view name) {
  const std::string lower = to_lower(head), wanted = fmt::format("\r\n{}:", to_lower(name));
  const size_t at = lower.find(wanted);
  if (at == lower.npos) return {};
  const size_t from = std::min(head.find_first_not_of(' ', at + wanted.size()), head.size());
  return std::string(head.substr(from, head.find("\r\n", from) - from));
}

/// A connection, with TLS or without. Owns the socket.
class Channel {
 public:
  explicit Channel(int socket) : socket_(socket) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    if (tls_ != nullptr) SSL_free(tls_);
    close(socket_);
  }

  /// False when the client does not want it: the certificate is not to its liking.
  bool start_tls(SSL_CTX* context) {
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, socket_);
    const bool done = SSL_accept(tls_) == 1;
    ERR_clear_error();
    return done;
  }
  /// The next request; nothing at the end of the connection.
  std::optional<HttpRequest> read_request() {
    size_t end = 0, length = 0;
    while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos)
      if (!read_more()) return std::nullopt;
    end += 4;
    const std::string value = header_in(std::string_view(buffer_).substr(0, end), "content-length");
    std::from_chars(value.data(), value.data() + value.size(), length);
    while (buffer_.size() < end + length)
      if (!read_more()) return std::nullopt;
    HttpRequest out;
    out.head = buffer_.substr(0, end);
    out.body = buffer_.substr(end, length);
    out.tls = tls_ != nullptr;
    buffer_.erase(0, end + length);
    const size_t first = out.head.find(' '), second = out.head.find(' ', first + 1);
    out.method = out.head.substr(0, first);
    out.target = out.head.substr(first + 1, second - first - 1);
    return out;
  }
  bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = tls_ != nullptr
                               ? SSL_write(tls_, text.data(), static_cast<int>(std::min<size_t>(text.size(), 1 << 20)))
                               : send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end_orderly() {
    if (tls_ != nullptr) SSL_shutdown(tls_);
    shutdown(socket_, SHUT_WR);
  }
  /// Closing it sends a RST.
  void reset() const {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  bool read_more() {
    char piece[16384];
    const ssize_t got = tls_ != nullptr ? SSL_read(tls_, piece, sizeof piece) : recv(socket_, piece, sizeof piece, 0);
    if (got <= 0) return false;
    buffer_.append(piece, static_cast<size_t>(got));
    return true;
  }

  int socket_;
  SSL* tls_ = nullptr;
  std::string buffer_;
};

}  // namespace

std::string HttpRequest::header(std::string_view name) const { return header_in(head, name); }

HttpReply http_answer(int status, std::string_view body, std::string_view headers) {
  return {.bytes = fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}", status,
                               body.size(), headers, body)};
}

HttpReply http_refusal(int status, std::string_view reason) {
  return http_answer(status, fmt::format(R"({{"kind":"Status","reason":"{}","message":"{}"}})", reason, reason));
}

struct HttpPeer::Script {
  std::vector<HttpExchange> exchanges;
  std::mutex mutex;
  size_t next = 0;
  std::string complaints;

  HttpReply play(const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    const std::string asked = request.method + " " + request.target;
    if (next == exchanges.size()) return complain(fmt::format("{} after the end of the script", asked));
    const HttpExchange& expected = exchanges[next++];
    if (asked != expected.request) return complain(fmt::format("{} instead of {}", asked, expected.request));
    for (const std::string& line : expected.headers)
      if (request.head.find("\r\n" + line + "\r\n") == std::string::npos)
        return complain(fmt::format("{} without {}:\n{}", asked, line, request.head));
    if (expected.body && *expected.body != request.body)
      return complain(fmt::format("{} with the body {} instead of {}", asked, request.body, *expected.body));
    return expected.reply;
  }
  HttpReply complain(std::string what) {
    complaints += what + "\n";
    return http_answer(418);
  }
  std::string all_complaints() {
    const std::lock_guard lock(mutex);
    std::string out = complaints;
    for (size_t i = next; i < exchanges.size(); ++i) out += fmt::format("{} never came\n", exchanges[i].request);
    return out;
  }
};

HttpPeer::HttpPeer(Handler handler, HttpPeerOptions options) : handler_(std::move(handler)), options_(std::move(options)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, at, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, at, &size) != 0) std::abort();
  port_ = ntohs(address.sin_port);
  // The threads inherit the mask: signals, and SIGPIPE of SSL_write above all, are not for them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  acceptor_ = std::thread([this] { accept_all(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

HttpPeer::HttpPeer(std::shared_ptr<Script> script, HttpPeerOptions options)
    : HttpPeer([script](const HttpRequest& request) { return script->play(request); }, std::move(options)) {
  script_ = std::move(script);
}

HttpPeer HttpPeer::script(std::vector<HttpExchange> exchanges, HttpPeerOptions options) {
  auto script = std::make_shared<Script>();
  script->exchanges = std::move(exchanges);
  return HttpPeer(std::move(script), std::move(options));
}

HttpPeer::~HttpPeer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const int socket : open_) shutdown(socket, SHUT_RDWR);
  }
  changed_.notify_all();
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
}

std::string HttpPeer::url() const {
  return fmt::format("{}://127.0.0.1:{}", options_.tls && options_.tls_at_once ? "https" : "http", port_);
}

std::vector<HttpRequest> HttpPeer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

int HttpPeer::connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

void HttpPeer::release() {
  {
    const std::lock_guard lock(mutex_);
    released_ = true;
  }
  changed_.notify_all();
}

std::string HttpPeer::complaints() const { return script_ ? script_->all_complaints() : std::string(); }

void HttpPeer::accept_all() {
  for (int socket; (socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    const std::lock_guard lock(mutex_);
    if (ending_) {
      close(socket);
      return;
    }
    open_.insert(socket);
    const int number = static_cast<int>(connections_.size());
    connections_.emplace_back([this, socket, number] { serve(socket, number); });
  }
}

void HttpPeer::serve(int socket, int number) {
  Channel channel(socket);
  const auto talk = [&] {
    if (options_.admits && !options_.admits(number)) return channel.reset();
    if (options_.tls && options_.tls_at_once && !channel.start_tls(options_.tls.get())) return;
    while (auto request = channel.read_request()) {
      request->connection = number;
      const auto reply = answer(*request);
      if (!reply || !channel.write(reply->bytes)) return;
      if (reply->after == After::kClose) return channel.end_orderly();
      if (reply->after == After::kReset) return channel.reset();
      if (reply->after == After::kStartTls && !channel.start_tls(options_.tls.get())) return;
    }
  };
  talk();
  const std::lock_guard lock(mutex_);
  open_.erase(socket);  // before it is closed: its number may be another's then
}

std::optional<HttpReply> HttpPeer::answer(const HttpRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  HttpReply out;
  {
    const std::lock_guard lock(handling_);
    out = handler_(request);
  }
  if (!out.held) return out;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return released_ || ending_; });
  return ending_ ? std::nullopt : std::optional(std::move(out));
}

}  // namespace dbm::testing
