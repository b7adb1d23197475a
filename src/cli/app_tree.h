#pragma once

// CLI11's tree of commands, as completions and the manual read it.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace dbm::cli {

/// The commands below, without hidden ones.
std::vector<const CLI::App*> commands_of(const CLI::App& app);
/// The options of the command, those of its option groups too; without hidden ones.
std::vector<const CLI::Option*> options_of(const CLI::App& app);
std::vector<const CLI::Option*> positionals_of(const CLI::App& app);

/// False for a flag.
bool takes_value(const CLI::Option& option);
bool takes_many(const CLI::Option& option);
/// "-f", "--values".
std::vector<std::string> names_of(const CLI::Option& option);
/// The values that its CLI::IsMember knows; empty when it has none.
std::vector<std::string> values_of(const CLI::Option& option);

/// What its value names: told by type_name("FILE") and type_name("DIR").
enum class Path { kNone, kFile, kFolder };
Path path_of(const CLI::Option& option);

}  // namespace dbm::cli
