#include "kube/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace dbm::kube {
namespace {

struct Url {
  std::string scheme;
  std::string_view user, host, port, path;  // an IPv6 address without its brackets
};

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

bool is_ipv6(std::string_view text) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_host(std::string_view text) {
  constexpr std::string_view kOther = ".-_";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kOther.find(c) != kOther.npos;
  });
}

/// HOST[:PORT] taken apart.
bool split_host(std::string_view text, Url& url) {
  size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == text.npos) return false;
    url.host = text.substr(1, end - 1);
    if (!is_ipv6(url.host)) return false;
    ++end;
  } else {
    url.host = text.substr(0, end);
    if (!is_host(url.host)) return false;
  }
  if (end >= text.size()) return true;
  url.port = text.substr(end + 1);
  return text[end] == ':' && is_port(url.port);
}

std::optional<Url> split(std::string_view text) {
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c >= 0x7f || c == '\\' || c == '?' || c == '#'; }))
    return std::nullopt;
  const size_t scheme = text.find("://");
  if (scheme == text.npos) return std::nullopt;
  Url url;
  url.scheme = to_lower(text.substr(0, scheme));
  text.remove_prefix(scheme + 3);
  const size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  text = text.substr(0, slash);
  if (const size_t at = text.rfind('@'); at != text.npos) {
    url.user = text.substr(0, at + 1);
    text.remove_prefix(at + 1);
  }
  return split_host(text, url) ? std::optional(url) : std::nullopt;
}

/// A host as it stands in URLs.
std::string bracketed(std::string_view host) {
  return is_ipv6(host) ? fmt::format("[{}]", host) : std::string(host);
}

bool is_loopback(std::string_view host) {
  in_addr address;
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && inet_pton(AF_INET, std::string(host).c_str(), &address) == 1);
}

}  // namespace

Result<std::string> server_url(std::string_view text) {
  const auto url = split(text);
  if (!url || (url->scheme != "https" && url->scheme != "http"))
    return Error{"must be a URL such as https://HOST:6443", {}};
  if (!url->user.empty())
    return Error{"a URL with a user in it is not taken", "put username and password into the user of the context"};
  if (url->scheme == "http" && !is_loopback(url->host))
    return Error{"http:// would send everything readable for others; it is for this machine only", "write https://"};
  while (text.ends_with('/')) text.remove_suffix(1);
  return url->scheme + std::string(text.substr(url->scheme.size()));
}

Way way_to(std::string_view server, std::string_view tls_server_name, std::string_view path) {
  const auto url = split(server);
  if (!url || tls_server_name.empty()) return {fmt::format("{}{}", server, path), {}};
  const std::string_view port = !url->port.empty() ? url->port : url->scheme == "https" ? "443" : "80";
  return {fmt::format("{}://{}:{}{}{}", url->scheme, bracketed(tls_server_name), port, url->path, path),
          fmt::format("::{}:{}", bracketed(url->host), port)};
}

bool is_this_machine(std::string_view server) {
  const auto url = split(server);
  return url && is_loopback(url->host);
}

Result<std::string> proxy_url(std::string_view text) {
  const auto url = split(text);
  if (url && (url->scheme == "http" || url->scheme == "https" || url->scheme == "socks5"))
    return url->scheme + std::string(text.substr(url->scheme.size()));
  return Error{"must be a URL such as http://HOST:3128; https and socks5 are the other kinds of proxy", {}};
}

}  // namespace dbm::kube
