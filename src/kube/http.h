#pragma once

// Requests to one API server, many at once on few connections: HTTP/2 over TLS by libcurl, driven
// by the caller's thread. No retries, no meaning of answers: client.h has those.
//
// Certificates are verified always; redirects are not followed. Threads: one.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kube/credentials.h"

namespace dbm::kube {

enum class Method : uint8_t { kGet, kPost, kPut, kPatch, kDelete };
std::string_view to_string(Method method);

struct Request {
  Method method = Method::kGet;
  std::string path;  // with its query, percent-encoded; begins with /
  std::string body;  // wiped when the request is over: it may hold secrets
  std::string_view content_type = "application/json";
  std::string_view accept = "application/json";
  bool fresh_connection = false;
  /// How long the server may be silent; 0: for ever (a watch).
  std::chrono::milliseconds silence{30'000};
};

/// Why there is no answer.
enum class Broken : uint8_t {
  kNot,        // there is one
  kUnreached,  // no connection came about: the server saw nothing
  kLost,       // the connection went, or the server fell silent: it may have done it
  kRefused,    // trying again is of no use: the certificate, the address, our own credentials
};

struct Reply {
  Broken broken = Broken::kNot;
  Error failure;   // why, when broken
  int status = 0;  // HTTP
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
  unsigned identity = 0;  // which of our identities asked
};

class Http {
 public:
  using Done = std::function<void(Reply&&)>;
  /// Pieces of a body as they come; false ends the request.
  using Piece = std::function<bool(std::string_view)>;

  /// `config` must outlive it. Nothing is sent yet.
  static Result<std::unique_ptr<Http>> open(const Config& config);
  ~Http();

  /// `done` is called from turn(), once. It may start more.
  void start(Request request, Done done);
  /// The same, of a body that comes piece by piece when the status is 200.
  void stream(Request request, Piece piece, Done done);
  size_t in_flight() const;
  /// One round: sends and receives what there is, waiting for it at most so long, and calls what is
  /// done.
  void turn(std::chrono::milliseconds wait);
  /// Ends everything in flight; their `done` is not called.
  void abandon();
  /// A 401 was answered to this identity: true when there are other credentials by now, or can be had.
  bool credentials_refused(unsigned identity);

 private:
  struct Impl;
  explicit Http(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dbm::kube
