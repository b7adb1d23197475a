#include "local/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include "base/files.h"
#include "local/folders.h"
#include "local/stable_hash.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;

constexpr int kFirst = 20000, kPorts = 10000;

/// The inode of the socket that listens there, from /proc/net/tcp; 0: none.
uint64_t listening_inode(const std::string& address, int port) {
  in_addr wanted{};
  inet_pton(AF_INET, address.c_str(), &wanted);
  const std::string exact = fmt::format("{:08X}:{:04X}", wanted.s_addr, port);
  const std::string any = fmt::format("{:08X}:{:04X}", 0, port);
  std::istringstream lines(text_or_empty("/proc/net/tcp"));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, skipped;
    words >> slot >> local >> remote >> state;
    if (state != "0A" || (local != exact && local != any)) continue;
    for (int i = 0; i < 5; ++i) words >> skipped;
    uint64_t inode = 0;
    words >> inode;
    return inode;
  }
  return 0;
}

}  // namespace

std::string address_of(int instance) { return fmt::format("127.0.0.{}", instance); }

bool is_free(const std::string& address, int port) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  const int yes = 1;
  setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  const bool free = bind(file, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
                    listen(file, 1) == 0;
  close(file);
  return free;
}

Result<int> choose_port(std::string_view name, int addresses, const std::set<int>& taken) {
  const uint32_t hash = stable_hash(name);
  for (int i = 0; i < kPorts; ++i) {
    const int port = kFirst + static_cast<int>((hash + static_cast<uint32_t>(i)) % kPorts);
    if (taken.contains(port)) continue;
    bool free = true;
    for (int instance = 1; free && instance <= addresses; ++instance)
      free = is_free(address_of(instance), port);
    if (free) return port;
  }
  return Error{"no port of the loopback is free", "end what listens on 20000 to 29999"};
}

std::string listener(const std::string& address, int port) {
  const uint64_t inode = listening_inode(address, port);
  const std::string link = fmt::format("socket:[{}]", inode);
  for (const fs::path& process : files_in("/proc")) {
    const std::string pid = process.filename();
    if (inode == 0 || pid.find_first_not_of("0123456789") != pid.npos) continue;
    for (const fs::path& file : files_in(process / "fd")) {
      std::error_code hidden;
      if (fs::read_symlink(file, hidden).string() != link) continue;
      std::string name = text_or_empty(process / "comm");
      while (!name.empty() && name.back() == '\n') name.pop_back();
      return fmt::format("{} (process {})", name, pid);
    }
  }
  return "another program";
}

}  // namespace dbm::local
