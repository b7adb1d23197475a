#pragma once

// The credentials of a Config as they are now: tokens that are renewed on disk (service accounts),
// and those that an exec plugin gives out.
//
// Threads: one. Nothing of it is ever printed.

#include <chrono>
#include <memory>

#include "base/result.h"
#include "kube/config.h"

namespace dbm::kube {

/// What a request carries. Empty fields: not used.
struct Identity {
  secrets::Secret bearer_token;
  std::string client_certificate;  // PEM
  secrets::Secret client_key;      // PEM
  std::string user;                // basic authentication
  secrets::Secret password;
};

struct Patience {
  std::chrono::milliseconds plugin = std::chrono::minutes(5);     // people log in with a browser
  std::chrono::milliseconds token_file = std::chrono::minutes(1);  // it is read again after this
};

class Credentials {
 public:
  /// `config` must outlive it.
  explicit Credentials(const Config& config, Patience patience = {});
  ~Credentials();

  /// The identity for requests from now on, asked anew when what is known is about to expire or
  /// its file has changed. The pointer is good until the next call of either function.
  Result<const Identity*> current();
  /// The server refused it (401): the next current() asks anew. False: there is nothing newer to be
  /// had (a fixed token or certificate; a file or a plugin that says the same as before). A plugin
  /// can say something new for ever, and a file may be gone for good: ask twice a request at most.
  bool refused();
  /// Another number whenever the identity became another: of many requests that are refused
  /// together, only the first says something about the identity of now.
  unsigned generation() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dbm::kube
