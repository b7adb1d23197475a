#include "cli/audit_local.h"

#include <fmt/format.h>

#include "local/certificates.h"
#include "local/ports.h"

namespace dbm::cli {

audit::Targets local_targets(const local::Layout& layout, const std::string& cluster,
                             const local::ClusterState& state, const local::Passwords& passwords) {
  const local::Certificates tls{layout.tls(cluster)};
  const auto door = [&](const std::string& address, int port, const char* channel_binding) {
    return sql::Target{.host = address, .port = port, .ssl_mode = "verify-full", .ssl_root_cert = tls.ca(),
                       .channel_binding = channel_binding, .require_auth = audit::kSafeLogins};
  };
  audit::Targets out{.admin = {.host = layout.sockets(cluster, 1).string(), .port = state.port,
                               .user = "postgres", .ssl_mode = "disable"},
                     .door = door(local::address_of(1), state.port, "require")};
  std::error_code error;
  for (int number = 2; std::filesystem::exists(layout.data(cluster, number), error); ++number)
    out.others.push_back({fmt::format("{}-{}", cluster, number),
                          door(local::address_of(number), state.port, "require"), false});
  for (const auto& [pooler, port] : state.poolers) out.others.push_back({pooler, door("127.0.0.1", port, "")});
  out.password = [&passwords, cluster](std::string_view role) -> const secrets::Secret* {
    const local::RolePassword* found = passwords.find(cluster, role);
    return found != nullptr ? &found->password : nullptr;
  };
  return out;
}

}  // namespace dbm::cli
