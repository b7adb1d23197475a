#pragma once

// A server on loopback that says what a test tells it to, byte for byte: good answers, truncated ones, late ones, or
// a reset instead of one. HTTP/1.1 with keep-alive, plain or over TLS, or a proxy that takes CONNECT and plays the
// server behind it too. Nothing is waited for by time; all threads end with the object.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <openssl/types.h>

namespace dbm::testing {

/// What a client sent.
struct HttpRequest {
  std::string method, target;
  std::string head;    // the request line and the headers, as sent
  std::string body;
  int connection = 0;  // which one it came on, from 0
  bool tls = false;

  /// The value of a header; empty when there is none. `name` in any case.
  std::string header(std::string_view name) const;
};

/// What it gets back.
struct HttpReply {
  enum class After : uint8_t {
    kKeep,      // the connection stays for another request
    kClose,     // orderly
    kReset,     // by TCP RST
    kStartTls,  // what follows is TLS: after a CONNECT
  };
  std::string bytes = {};
  After after = After::kKeep;
  bool held = false;  // until HttpPeer::release()
};

/// A complete answer of that status with a JSON body; `headers` are more lines, each with its "\r\n".
HttpReply http_answer(int status, std::string_view body = "{}", std::string_view headers = {});
/// Kubernetes' Status object.
HttpReply http_refusal(int status, std::string_view reason);

/// One request of a script, and its answer.
struct HttpExchange {
  std::string request;                     // "GET /version": method and target
  HttpReply reply = http_answer(200);
  std::vector<std::string> headers = {};   // lines that it must have, as sent
  std::optional<std::string> body = {};    // what it must be, where it matters
};

struct HttpPeerOptions {
  std::shared_ptr<SSL_CTX> tls = nullptr;  // of ThrowawayCa::server; none: plain HTTP
  bool tls_at_once = true;                 // false: only after a reply with kStartTls
  /// False for a connection (counted from 0) that is reset before anything is read from it.
  std::function<bool(int)> admits = {};
};

class HttpPeer {
 public:
  /// Called from the peer's threads, one call at a time.
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  /// Listens when it returns; aborts when it cannot.
  explicit HttpPeer(Handler handler, HttpPeerOptions options = {});
  /// Plays these exchanges in order, over any number of connections. A request that is not the expected one gets
  /// status 418 and is a complaint.
  static HttpPeer script(std::vector<HttpExchange> exchanges, HttpPeerOptions options = {});
  ~HttpPeer();
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  uint16_t port() const { return port_; }
  /// "https://127.0.0.1:PORT"; "http://…" without TLS and for a proxy.
  std::string url() const;
  /// What was received so far.
  std::vector<HttpRequest> requests() const;
  int connections() const;
  /// Lets go of all replies that are held, and of later ones.
  void release();
  /// What was not as the script has it, exchanges that never came included; empty when all was.
  std::string complaints() const;

 private:
  struct Script;
  HttpPeer(std::shared_ptr<Script> script, HttpPeerOptions options);
  void accept_all();
  void serve(int socket, int number);
  /// The answer to a request, when it is to be sent; nothing when the peer ends first.
  std::optional<HttpReply> answer(const HttpRequest& request);

  Handler handler_;
  std::shared_ptr<Script> script_;
  HttpPeerOptions options_;
  int listener_ = -1;
  uint16_t port_ = 0;

  std::mutex handling_;  // held by the thread that calls handler_
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpRequest> requests_;
  std::set<int> open_;  // sockets of connections
  std::vector<std::thread> connections_;
  bool released_ = false, ending_ = false;
  std::thread acceptor_;
};

}  // namespace dbm::testing
