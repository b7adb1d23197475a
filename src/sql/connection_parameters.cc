#include "sql/connection_parameters.h"

#include <arpa/inet.h>

namespace dbm::sql {
namespace {

bool is_loopback(const std::string& address) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool is_local_host(const std::string& host) {
  if (host.empty() || host.front() == '/' || host.front() == '@') return true;  // a socket
  return host == "localhost" || is_loopback(host);
}

/// libpq takes lists with commas: every part counts.
bool all_parts(std::string_view list, bool (*is_local)(const std::string&)) {
  for (;;) {
    const size_t comma = list.find(',');
    if (!is_local(std::string(list.substr(0, comma)))) return false;
    if (comma == list.npos) return true;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_this_machine(const Target& target) {
  if (!target.hostaddr.empty()) return all_parts(target.hostaddr, is_loopback);
  return all_parts(target.host, is_local_host);
}

std::string_view effective_ssl_mode(const Target& target) {
  if (!target.ssl_mode.empty()) return target.ssl_mode;
  return is_this_machine(target) ? "prefer" : "verify-full";
}

std::vector<std::pair<const char*, std::string>> connection_parameters(const Target& target, int libpq_version) {
  std::vector<std::pair<const char*, std::string>> out;
  const auto give = [&](const char* name, std::string_view value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  const std::string_view ssl_mode = effective_ssl_mode(target);
  const bool always_tls = ssl_mode == "require" || ssl_mode == "verify-ca" || ssl_mode == "verify-full";
  // A socket is never encrypted, whatever sslmode says.
  const bool is_socket = target.hostaddr.empty() && (target.host.empty() || target.host.front() == '/');
  give("host", target.host);
  give("hostaddr", target.hostaddr);
  give("port", std::to_string(target.port));
  give("dbname", target.database);
  give("user", target.user);
  give("sslmode", ssl_mode);
  give("sslrootcert", target.ssl_root_cert);
  give("sslcert", target.ssl_cert);
  give("sslkey", target.ssl_key);
  if (always_tls && !is_socket) give("channel_binding", target.channel_binding);
  if (libpq_version >= 160000) give("require_auth", target.require_auth);
  give("application_name", target.application_name);
  give("options", target.options);
  give("client_encoding", "UTF8");
  give("gssencmode", "disable");
  give("passfile", "/dev/null/none");  // of /dev/null itself libpq complains on stderr
  return out;
}

}  // namespace dbm::sql
