#pragma once

// A certificate authority for one test: made in memory, never written to a file, gone with the object.

#include <memory>
#include <string>

#include <openssl/types.h>

namespace dbm::testing {

class ThrowawayCa {
 public:
  /// Aborts when OpenSSL cannot make a key. Two authorities of one name differ in their keys alone.
  explicit ThrowawayCa(const char* name = "throwaway authority");

  /// The authority's own certificate, as PEM.
  const std::string& certificate() const { return pem_; }
  /// What a TLS server needs to be `names`, in OpenSSL's notation: "DNS:localhost,IP:127.0.0.1". It speaks
  /// HTTP/1.1 only (no ALPN). Outlives the authority.
  std::shared_ptr<SSL_CTX> server(const std::string& names) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> self_;
  std::string pem_;
};

}  // namespace dbm::testing
