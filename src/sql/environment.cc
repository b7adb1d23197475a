#include "sql/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace dbm::sql {
namespace {

/// The names of all variables that libpq may read. Its own all begin with PG; pgBackRest's are not its.
std::vector<std::string> found() {
  std::vector<std::string> out;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("PG") && !text.starts_with("PGBACKREST_"))
      out.emplace_back(text.substr(0, text.find('=')));
  }
  return out;
}

}  // namespace

void ignore_libpq_environment() {
  for (const std::string& name : found()) unsetenv(name.c_str());
}

bool has_libpq_environment() { return !found().empty(); }

}  // namespace dbm::sql
