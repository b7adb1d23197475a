#include "secrets/connection.h"

#include <array>

namespace dbm::secrets {
namespace {

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> table{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

void append_host(std::string& out, const Connection& c) {
  out.append(c.host).append(":").append(c.port).append("/");
  append_percent_encoded(out, c.database);
}

void append_pgpass_field(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == ':' || c == '\\') out += '\\';
    out += c;
  }
}

}  // namespace

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved[byte]) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

std::string uri(const Connection& c) {
  std::string out = "postgresql://";
  append_percent_encoded(out, c.user);
  out += ':';
  append_percent_encoded(out, c.password);
  out += '@';
  append_host(out, c);
  return out;
}

std::string jdbc_url(const Connection& c) {
  std::string out = "jdbc:postgresql://";
  append_host(out, c);
  return out;
}

std::string jdbc_uri(const Connection& c) {
  std::string out = jdbc_url(c);
  out += "?password=";
  append_percent_encoded(out, c.password);
  out += "&user=";
  append_percent_encoded(out, c.user);
  return out;
}

std::string pgpass(const Connection& c) {
  std::string out;
  for (std::string_view field : {c.host, c.port, c.database, c.user}) {
    append_pgpass_field(out, field);
    out += ':';
  }
  append_pgpass_field(out, c.password);
  return out + '\n';
}

}  // namespace dbm::secrets
