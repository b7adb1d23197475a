#pragma once

// What the commands of the local engine share: opening it, telling how things went.

#include <memory>
#include <optional>

#include "base/result.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "local/engine.h"

namespace dbm::cli {

/// Options for Engine::open: folder, user, and progress on standard error when that is a terminal.
local::EngineOptions engine_options(const LocalFlags& flags, std::string command);
/// The same, and an engine; null (the error was printed) when there is none.
std::unique_ptr<local::Engine> open_engine(local::EngineOptions options);

/// The checked values of a run with the key for derived passwords. Keeps what Wanted points at.
class LocalInput {
 public:
  /// Null when the input says no; diagnostics were printed and `exit` is set.
  static std::unique_ptr<LocalInput> read(const ValueFlags& values, const PasswordFlags& passwords, int& exit);
  local::Wanted wanted() const;
  const Input& input() const { return *input_; }

 private:
  std::unique_ptr<Input> input_;
  std::optional<secrets::Deriver> deriver_;
};

/// Drops the warnings of what needs SQL: where it can be run, or was.
void leave_out_needs_sql(Input& input);

/// Clears the line of progress, where there is one.
void end_progress();
/// Prints notices, what was kept and what failed to standard error.
void print_news(const local::ClusterReport& report);

}  // namespace dbm::cli
