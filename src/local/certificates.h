#pragma once

// Certificates of a local cluster, as CloudNativePG makes them: an authority of its own, one
// certificate for the servers, and one for each client that logs in by certificate
// (streaming_replica, cnpg_pooler_pgbouncer). OpenSSL 3; keys are EC P-256 and never leave their
// files (mode 0600).

#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace dbm::local {

struct Certificates {
  std::filesystem::path folder;

  std::string ca() const { return (folder / "ca.crt").string(); }
  std::string certificate(std::string_view name) const { return (folder / name).string() + ".crt"; }
  std::string key(std::string_view name) const { return (folder / name).string() + ".key"; }

  /// Makes what is missing, and anew what ends within 30 days, is not signed by the authority, or is not
  /// of one pair with its key: what a killed run or a hand left. The server's certificate names
  /// localhost and `addresses`. True when something was made.
  Result<bool> complete(std::span<const std::string> addresses, std::span<const std::string> clients) const;
};

}  // namespace dbm::local
