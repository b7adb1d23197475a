#pragma once

// Addresses and networks as pg_hba.conf names them. Pure; any thread.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbm::audit {

/// An IPv4 (the first four bytes) or IPv6 address.
struct Address {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};
  bool is_loopback() const;
  bool operator==(const Address&) const = default;
};

/// Nothing for host names. A zone (fe80::1%eth0) is left out, as PostgreSQL does in comparing.
std::optional<Address> parse_address(std::string_view text);

/// The addresses that equal `base` where `mask` has ones: PostgreSQL allows masks with gaps.
struct Network {
  Address base, mask;
  bool contains(const Address& address) const;
  /// True when every address of `other` is in this one.
  bool covers(const Network& other) const;
};

/// An address and a mask as pg_hba_file_rules shows them ("10.0.0.0", "255.0.0.0").
std::optional<Network> parse_network(std::string_view address, std::string_view mask);
/// Every address of a family.
Network everywhere(bool v6);

}  // namespace dbm::audit
