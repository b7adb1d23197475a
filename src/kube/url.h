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

}  // namespace dbm::kube
