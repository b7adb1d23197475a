// cnpg-dbm keygen: a master key for derived passwords.

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/finish.h"
#include "secrets/derive.h"

namespace dbm::cli {
namespace {

/// Into a new file that only its owner reads; an existing one is never overwritten, for that would
/// change every password.
int write_key(const std::string& path, const secrets::Secret& key) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    const bool exists = errno == EEXIST;
    print_error({fmt::format("cannot make {}: {}", path, std::strerror(errno)),
                 exists ? "a new key would change every password derived from the old one" : ""});
    return kRefused;
  }
  secrets::Secret line(std::string(key.reveal()) + "\n");
  const std::string_view text = line.reveal();
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  if (close(file) == 0 && written) return kDone;
  unlink(path.c_str());
  print_error({fmt::format("cannot write {}: {}", path, std::strerror(why)), {}});
  return kRefused;
}

int keygen(const std::string& path) {
  const secrets::Secret key = secrets::make_key();
  if (!path.empty()) return write_key(path, key);
  Stdout out;
  out.write(key.reveal());
  out.write("\n");
  return finish(out, kDone);
}

}  // namespace

void add_keygen(Command program) {
  Command command = program.subcommand("keygen", "Make a master key for derived passwords");
  auto path = std::make_shared<std::string>();
  command.option("-o,--output", *path, "the key's new file (mode 0600), else standard output").file();
  command.run([path] { return keygen(*path); });
}

}  // namespace dbm::cli
