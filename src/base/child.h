#pragma once

// Starting another program, without a shell. Threads: any.

#include <spawn.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace dbm {

/// An open file that is closed at the end of the scope.
class OpenFile {
 public:
  explicit OpenFile(int fd = -1) : fd_(fd) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { close(); }
  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// What a child does with its files before it runs; freed at the end of the scope.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// Starts `program` (a path) with these words (its own name first) and nothing but this environment.
/// Signals are as at the start of a login, whatever we ignore or block. `own_session`: it does not
/// end with our terminal.
Result<pid_t> start_child(const std::string& program, std::vector<std::string> words, std::vector<std::string> environment,
                          FileActions& actions, bool own_session = false);

}  // namespace dbm
