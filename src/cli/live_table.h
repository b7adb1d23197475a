#pragma once

// Objects that are waited for, on standard error: on a terminal a table that is written over, else a
// line whenever one changes.

#include <map>
#include <string>
#include <vector>

#include "release/wait.h"

namespace dbm::cli {

class LiveTable {
 public:
  ~LiveTable() { clear(); }
  void show(const std::vector<release::Followed>& followed);
  /// Takes the table off the terminal.
  void clear();

 private:
  void print_changes(const std::vector<release::Followed>& followed);

  size_t lines_ = 0;
  std::map<std::string, std::string> told_;
};

/// "Database main-orders".
std::string name_of(const release::Followed& followed);

}  // namespace dbm::cli
