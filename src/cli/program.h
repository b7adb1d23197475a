#pragma once

// What people call this program: `cnpg-dbm`, or `kubectl dbm` where kubectl runs it as its plugin
// (the file name kubectl-dbm). Threads: set at the start, then read by any.

#include <string>
#include <string_view>

namespace dbm::cli {

const std::string& program_name();

/// Takes the name from argv[0].
void set_program_name(std::string_view argv0);

/// A text in which commands are quoted as people call them: `cnpg-dbm up`.
std::string as_called(std::string_view text);

}  // namespace dbm::cli
