#pragma once

// The command line as data: what the manual and the completions are made from. Plain values, owned by whoever
// holds them; any thread.

#include <string>
#include <vector>

namespace dbm::cli {

/// What an option's value names on this machine.
enum class PathKind { kNone, kFile, kFolder };

/// An option, a flag or a positional argument.
struct OptionInfo {
  std::vector<std::string> names;  // "-f", "--values"; one without dashes for a positional argument
  std::string description;
  std::string value_type;            // "FILE", "TEXT", "INT"
  std::string default_value;         // empty: none is shown
  std::vector<std::string> choices;  // the only values allowed; empty: any
  PathKind path = PathKind::kNone;
  bool takes_value = false;  // false for a flag
  bool takes_many = false;   // several values
  bool required = false;
};

/// A command with everything below it, without what is hidden.
struct CommandInfo {
  std::string name, description;
  std::vector<OptionInfo> options, positionals;  // those of its groups too
  std::vector<CommandInfo> commands;
};

}  // namespace dbm::cli
