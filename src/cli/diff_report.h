#pragma once

// Changes of objects, field by field, for people. What is secret is said to be changed, never shown.

#include <span>
#include <string_view>

#include "cli/io.h"
#include "release/changes.h"

namespace dbm::cli {

/// Coloured when standard output is a terminal and NO_COLOR is unset.
class DiffPrinter {
 public:
  explicit DiffPrinter(Stdout& out);
  void step(const release::StepChanges& change, const release::Release& release);

 private:
  void line(char sign, std::string_view text, std::string_view indent = "");
  void print(const release::FieldChange& field);
  void print_keys(std::span<const release::FieldChange> fields);

  Stdout& out_;
  bool colour_;
};

}  // namespace dbm::cli
