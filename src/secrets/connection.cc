#include "secrets/connection.h"

#include <algorithm>
#include <array>

#include "secrets/secret.h"

namespace dbm::secrets {
namespace {

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> table{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

void append_pgpass_field(std::string& out, std::string_view text) {
  if (text.find(':') == text.npos && text.find('\\') == text.npos) {
    out += text;
    return;
  }
  for (const char c : text) {
    if (c == ':' || c == '\\') out += '\\';
    out += c;
  }
}

}  // namespace

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const auto unreserved = [](char c) { return kUnreserved[static_cast<unsigned char>(c)]; };
  if (std::ranges::all_of(text, unreserved)) {
    out += text;
    return;
  }
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

Connection::Connection(std::string_view user, std::string_view password, std::string_view database)
    : user_(user), password_(password), database_(database) {
  append_percent_encoded(user_encoded_, user);
  password_encoded_.reserve(3 * password.size());  // never moved: no copy is left behind
  append_percent_encoded(password_encoded_, password);
  append_percent_encoded(database_encoded_, database);
}

Connection::~Connection() {
  wipe(password_encoded_);
  wipe(out_);
}

void Connection::make_room(size_t host) {
  // Enough for every text, pgpass with its backslashes too.
  const size_t most = 64 + 2 * (host + user_encoded_.size() + password_encoded_.size() +
                                database_encoded_.size());
  if (out_.capacity() >= most) return;
  wipe(out_);
  out_.reserve(most);
}

std::string_view Connection::uri(std::string_view host) {
  make_room(host.size());
  out_.assign("postgresql://").append(user_encoded_).append(":").append(password_encoded_);
  out_.append("@").append(host).append(":").append(kPort).append("/").append(database_encoded_);
  return out_;
}

std::string_view Connection::jdbc_url(std::string_view host) {
  make_room(host.size());
  out_.assign("jdbc:postgresql://").append(host).append(":").append(kPort);
  return out_.append("/").append(database_encoded_);
}

std::string_view Connection::jdbc_uri(std::string_view host) {
  jdbc_url(host);
  out_.append("?password=").append(password_encoded_);
  return out_.append("&user=").append(user_encoded_);
}

std::string_view Connection::pgpass(std::string_view host) {
  make_room(host.size());
  out_.clear();
  for (const std::string_view field : {host, kPort, database_, user_}) {
    append_pgpass_field(out_, field);
    out_ += ':';
  }
  append_pgpass_field(out_, password_);
  return out_ += '\n';
}

}  // namespace dbm::secrets
