#pragma once

// How new databases are copied from their template (CREATE DATABASE … STRATEGY, PostgreSQL 15).
// Through the server's log: one wait for the disk, but every page is written twice, the second time
// by the next checkpoint. File by file: written once, but each of some 300 files is waited for, and
// two checkpoints are asked for. Which is quicker depends on the disk (we have seen either ahead by
// a factor of three), so both are tried, and the quicker one is taken as long as it is.

#include <array>
#include <chrono>
#include <mutex>

namespace dbm::sql {

/// Any thread.
class CopyWay {
 public:
  enum Way : bool { kLog, kFiles };

  /// Tries each way `trials` times: one round of all who work at once.
  explicit CopyWay(unsigned trials) : trials_(trials) {}

  Way choose() {
    const std::lock_guard lock(mutex_);
    // Files first: what the log leaves to checkpoints would be held against them.
    if (begun_[kFiles] < trials_) return ++begun_[kFiles], kFiles;
    if (begun_[kLog] < trials_) return ++begun_[kLog], kLog;
    return mean_[kFiles] <= mean_[kLog] ? kFiles : kLog;
  }

  void took(Way way, std::chrono::duration<double> time) {
    constexpr double kWeight = 0.2;  // of the latest
    const std::lock_guard lock(mutex_);
    double& mean = mean_[way];
    mean = mean == 0 ? time.count() : mean + kWeight * (time.count() - mean);
  }

 private:
  const unsigned trials_;
  std::mutex mutex_;
  std::array<unsigned, 2> begun_ = {};
  std::array<double, 2> mean_ = {};  // seconds
};

}  // namespace dbm::sql
