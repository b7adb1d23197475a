#pragma once

// The manual page cnpg-dbm(1), from CLI11's tree of commands and the tables of exit codes,
// environment and files here. Pure: any thread.

#include <string>

#include <CLI/CLI.hpp>

namespace dbm::cli {

/// roff for man(7).
std::string man_page(const CLI::App& app);

}  // namespace dbm::cli
