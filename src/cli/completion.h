#pragma once

// Completing command lines in shells: what may come next, from the tree of commands, so that a new
// command or flag needs nothing here. Pure: any thread.
//
// The shells' scripts ask the program itself (`cnpg-dbm __complete WORDS…`); kubectl asks plugins
// the same way. Source of the protocol: kubectl, "Extend kubectl with plugins", and Cobra's
// completions: VALUE<tab>DESCRIPTION lines, then `:` and a number of ShellCompDirective.

#include <span>
#include <string>
#include <string_view>

#include "cli/command_tree.h"

namespace dbm::cli {

enum class Shell { kBash, kZsh, kFish };

/// What may stand in place of the last of `words`, those after the program's name.
std::string complete(const CommandInfo& program, std::span<const std::string> words);

/// The script that makes a shell ask.
std::string_view completion_script(Shell shell);

}  // namespace dbm::cli
