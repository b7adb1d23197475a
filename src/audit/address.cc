#include "audit/address.h"

#include <arpa/inet.h>

#include <cstring>

namespace dbm::audit {

bool Address::is_loopback() const {
  if (!v6) return bytes[0] == 127;
  std::array<uint8_t, 16> one{};
  one[15] = 1;
  return bytes == one;
}

std::optional<Address> parse_address(std::string_view text) {
  const std::string zoneless(text.substr(0, text.find('%')));
  Address out;
  if (inet_pton(AF_INET, zoneless.c_str(), out.bytes.data()) == 1) return out;
  out.v6 = true;
  if (inet_pton(AF_INET6, zoneless.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

bool Network::contains(const Address& address) const {
  if (address.v6 != base.v6) return false;
  for (size_t i = 0; i < base.bytes.size(); ++i)
    if (((address.bytes[i] ^ base.bytes[i]) & mask.bytes[i]) != 0) return false;
  return true;
}

bool Network::covers(const Network& other) const {
  if (!contains(other.base)) return false;
  for (size_t i = 0; i < mask.bytes.size(); ++i)
    if ((mask.bytes[i] & ~other.mask.bytes[i]) != 0) return false;
  return true;
}

std::optional<Network> parse_network(std::string_view address, std::string_view mask) {
  const auto base = parse_address(address), ones = parse_address(mask);
  if (!base || !ones || base->v6 != ones->v6) return std::nullopt;
  return Network{*base, *ones};
}

Network everywhere(bool v6) {
  Network out;
  out.base.v6 = out.mask.v6 = v6;
  return out;
}

}  // namespace dbm::audit
