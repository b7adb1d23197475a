#pragma once

// The program's command line.

namespace dbm::cli {

/// Exit codes, for scripts (`cnpg-dbm man` tells them).
enum Exit : int {
  kDone = 0,
  kRefused = 1,  // the input says no; diagnostics were printed
  kUsage = 2,
  kGuarded = 3,  // would lose data; --allow-destroy lets it through
  kTimedOut = 4,  // waiting for the cluster
  kInterrupted = 130,
  kTerminated = 143,  // by SIGTERM before everything was up (up --foreground)
};

/// Runs the command that the arguments name; the result is the process's exit code.
int run(int argc, char** argv);

}  // namespace dbm::cli
