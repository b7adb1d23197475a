#pragma once

// Ports on the loopback. Instances of a cluster share one port, each on an address of its own
// (127.0.0.1 the primary, 127.0.0.2 the first replica, …): poolers can name several hosts then.

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dbm::local {

/// The loopback address of an instance, counted from 1.
std::string address_of(int instance);

/// True when something could listen there.
bool is_free(const std::string& address, int port);

/// A port that is free on the first `addresses` addresses and not in `taken`: the same for the same
/// `name` where it can be, in 20000..29999 (below the range that the system gives to clients).
Result<int> choose_port(std::string_view name, int addresses, const std::set<int>& taken);

/// Who listens there, for messages: "python3 (process 123)", or "another program".
std::string listener(const std::string& address, int port);

}  // namespace dbm::local
