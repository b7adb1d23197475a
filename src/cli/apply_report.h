#pragma once

// What apply and uninstall did, or would do, as their result on standard output.

#include <string>
#include <utility>
#include <vector>

#include "cli/io.h"
#include "release/write.h"

namespace dbm::cli {

/// What was done, in the order that it was done in.
struct Report {
  std::vector<std::pair<std::string, release::Action>> done;  // by name_of()
  size_t same = 0;

  size_t count(release::Action action) const;
  /// What another round did after it; an object counts once, as what was done to it first.
  void add(Report next);
};

/// `output`: text, name (only what changed, as kubectl names it) or json.
struct ReportStyle {
  std::string output;
  bool dry_run = false;
};

Report planned(const release::Plan& plan, const release::Release& release);
Report written(const release::Plan& plan, const release::Outcome& outcome, const release::Release& release);
void print(const Report& report, const release::Release& release, const ReportStyle& style, Stdout& out);

}  // namespace dbm::cli
