#pragma once

// The URLs of a kubeconfig.

#include <string>
#include <string_view>

#include "base/result.h"

namespace dbm::kube {

/// What an API server's URL must be: https://HOST[:PORT][/PATH], http:// for this machine only. The
/// URL without / at the end. No message holds the text, which may have a password in it.
Result<std::string> server_url(std::string_view text);

/// A proxy's: http, https or socks5, perhaps with a user and a password.
Result<std::string> proxy_url(std::string_view text);

/// How a request to a server reaches it.
struct Way {
  std::string url;         // of the request; its host is the name that the certificate must have
  std::string connect_to;  // for CURLOPT_CONNECT_TO; empty: where the URL says
};
/// To `path` (begins with /) of `server`, as server_url() gives it. `tls_server_name`: the name that the
/// certificate must have; empty: the server's host.
Way way_to(std::string_view server, std::string_view tls_server_name, std::string_view path);

/// True when `server`, as server_url() gives it, is this machine.
bool is_this_machine(std::string_view server);

}  // namespace dbm::kube
