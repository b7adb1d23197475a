#pragma once

// The commands of the program and their flags. CLI11 does the work, in command.cc alone: it is all templates and
// inline functions, and would cost every command's file ten seconds of compiling.
//
// Command and Option are handles: cheap to copy, valid as long as their CommandLine. Variables that options are
// bound to must outlive it too (commands keep them in a shared_ptr that their run() function holds). Not
// thread-safe.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace dbm::cli {

/// An option, a flag or a positional argument of a command. Setters return the option itself.
class Option {
 public:
  Option() = default;  // none: only given() may be called

  /// The value is the path of a file or of a folder: help says so, and shells complete it.
  Option& file();
  Option& folder();
  /// The only values allowed; shells complete them.
  Option& choices(std::vector<std::string> values);
  /// The range of a number.
  Option& range(int min, int max);
  /// `check` returns what is wrong with a value, or an empty string.
  Option& check(std::function<std::string(const std::string& value)> check);
  /// Help shows what the variable holds now, or `text`, as the default.
  Option& show_default();
  Option& show_default(const std::string& text);
  Option& required();
  Option& needs(Option other);
  Option& excludes(Option other);

  /// True when the command line had it. REQUIRES: parsed.
  bool given() const;

 private:
  friend class Command;
  explicit Option(CLI::Option* option) : option_(option) {}
  CLI::Option* option_ = nullptr;
};

class Command {
 public:
  /// `names`: "-o,--output". The value lands in `out`, whose value until then is the default.
  Option option(const std::string& names, std::string& out, const std::string& help);
  Option option(const std::string& names, int& out, const std::string& help);
  Option option(const std::string& names, unsigned& out, const std::string& help);
  /// May be repeated, with one value each time.
  Option option(const std::string& names, std::vector<std::string>& out, const std::string& help);
  Option flag(const std::string& names, bool& out, const std::string& help);
  /// A positional argument, `name` in capitals; a list takes all that follow.
  Option argument(const std::string& name, std::string& out, const std::string& help);
  Option argument(const std::string& name, std::vector<std::string>& out, const std::string& help);

  /// Options of which at most one may be given. Only options may be added to it.
  Command at_most_one(const std::string& name, const std::string& help);
  Command subcommand(const std::string& name, const std::string& help);
  /// What it does once the command line is parsed; returns the exit code. Unless `any_of` is empty, one of those
  /// options has to be given.
  void run(std::function<int()> run, std::vector<Option> any_of = {});

  /// Everything below this command as it is declared now.
  CommandInfo info() const;

 private:
  friend class CommandLine;
  Command(CLI::App* app, int* exit) : app_(app), exit_(exit) {}
  CLI::App* app_;
  int* exit_;  // where run()'s exit code lands
};

/// The program's whole command line; owns all commands and options.
class CommandLine {
 public:
  CommandLine(const std::string& description, const std::string& program, const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// The program itself, for adding commands to.
  Command root();
  /// Parses, then runs the command that was chosen. Returns its exit code, or kUsage after printing what is wrong
  /// to standard error; prints --help and --version. Exceptions of run() functions pass through.
  int run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  int exit_ = 0;
};

}  // namespace dbm::cli
