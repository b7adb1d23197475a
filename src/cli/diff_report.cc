#include "cli/diff_report.h"

#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

using release::Action;
using release::Change;

bool use_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

std::string text(const yaml::Value& value, bool secret) {
  if (secret) return "(secret)";
  std::string out;
  yaml::write_json(out, value);
  return printable(out, 300);
}

std::string_view colour_of(char sign) {
  switch (sign) {
    case '+': return "\033[32m";
    case '-': return "\033[31m";
    case '!': return "\033[35m";
    default: return "\033[33m";
  }
}

}  // namespace

DiffPrinter::DiffPrinter(Stdout& out) : out_(out), colour_(use_colour()) {}

void DiffPrinter::line(char sign, std::string_view what, std::string_view indent) {
  out_.write(fmt::format("{}{}{} {}{}\n", indent, colour_ ? colour_of(sign) : "", sign, what, colour_ ? "\033[0m" : ""));
}

void DiffPrinter::step(const release::StepChanges& change, const release::Release& release) {
  const std::string about = change.step->about(release);
  switch (change.action) {
    case Action::kCreate: line('+', about); break;
    case Action::kPrune: return line('-', about);
    case Action::kRelease: return line('-', about + " (kept, no longer managed)");
    case Action::kChange: line('~', about); break;
    case Action::kSame: return;
  }
  for (const release::FieldChange& field : change.fields) print(field);
  if (change.refusal) line('!', change.refusal->message, "    ");
}

void DiffPrinter::print(const release::FieldChange& field) {
  switch (field.change) {
    case Change::kAdded: return line('+', fmt::format("{}: {}", field.path, text(field.after, field.secret)), "    ");
    case Change::kRemoved: return line('-', fmt::format("{}: {}", field.path, text(field.before, field.secret)), "    ");
    case Change::kOwned: return line('~', fmt::format("{}: becomes ours", field.path), "    ");
    case Change::kChanged:
      if (field.secret) return line('~', fmt::format("{}: changed (secret)", field.path), "    ");
      return line('~', fmt::format("{}: {} -> {}", field.path, text(field.before, false), text(field.after, false)), "    ");
  }
}

}  // namespace dbm::cli
