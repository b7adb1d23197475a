#pragma once

// The manual page cnpg-dbm(1), from the tree of commands and the tables of exit codes,
// environment and files here. Pure: any thread.

#include <string>

#include "cli/command_tree.h"

namespace dbm::cli {

/// roff for man(7).
std::string man_page(const CommandInfo& program);

}  // namespace dbm::cli
