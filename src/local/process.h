#pragma once

// Programs that the local engine runs: to their end (initdb, pgbackrest) or as servers of their own
// that outlive us (postgres, pgbouncer). Passwords never go through here: arguments are seen by
// everyone on the machine. Threads: any.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace dbm::local {

struct Command {
  std::vector<std::string> words;  // the program's path, then its arguments
  std::filesystem::path folder = "/";
  std::vector<std::string> environment = {};  // NAME=value, besides a small fixed set
  std::string input = {};
};

struct Ended {
  int status = 0;      // as a shell tells it: 128 + signal for a killed one
  std::string output;  // of stdout and stderr together
  bool good() const { return status == 0; }
};

/// An open file that every program of run() gets too. With the lock's, a program that outlives a
/// killed parent (pg_basebackup, pgbackrest) still holds the lock. Servers do not get it.
void share_with_programs(int file);

/// Runs a program to its end. An Error only when it could not be started.
Result<Ended> run(const Command& command);
/// As run(); an exit code other than 0 is an Error with the last lines of the output.
Status run_well(const Command& command, std::string_view what);

/// Starts a server: in a session of its own, its output appended to `log` (mode 0600). It lives on
/// when we end.
Result<pid_t> start_server(const Command& command, const std::filesystem::path& log);

/// Makes run() and wait_until() of every thread give up, until resume(): run() ends its program with SIGTERM (SIGKILL
/// after ten seconds of silence) and returns an Error, wait_until() returns false.
void interrupt();
void resume();
bool is_interrupted();

/// True while there is such a process. One that ended does not count, whether its parent collected it
/// (ours are collected here) or not.
bool is_alive(pid_t pid);
/// Looks at `done` every few milliseconds until it is true; false when `patience` ran out, or as
/// soon as the process `pid` (0: none) is gone, or when interrupt() is called.
bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds patience, pid_t pid = 0);
/// Sends the signal and waits for the end, interrupted or not; false when the process outlives `patience`.
bool stop_process(pid_t pid, int signal, std::chrono::milliseconds patience);

/// The process id in the first line of a pid file, when that process lives, is `program` (its
/// executable's file name) and works in `folder` (empty: anywhere): an id may have been given to
/// another since, even to another server.
std::optional<pid_t> running(const std::filesystem::path& pid_file, std::string_view program,
                             const std::filesystem::path& folder = {});

/// The last lines of a text, at most `bytes`.
std::string tail(std::string_view text, size_t bytes = 1500);

}  // namespace dbm::local
