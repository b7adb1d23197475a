#include "cli/diff_report.h"

#include <algorithm>
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

constexpr std::string_view kData = ".data.";

/// Where the run of a Secret's keys that begins there ends: those to which the same happens.
size_t end_of_keys(const std::vector<release::FieldChange>& fields, size_t begin) {
  const auto is_key = [&](size_t i) {
    return fields[i].secret && fields[i].change != Change::kOwned && fields[i].change == fields[begin].change && fields[i].path.starts_with(kData);
  };
  size_t end = begin;
  while (end < fields.size() && is_key(end)) ++end;
  return std::max(end, begin + 1);
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
  for (size_t i = 0, end; i < change.fields.size(); i = end) {
    end = end_of_keys(change.fields, i);
    end > i + 1 ? print_keys(std::span(change.fields).subspan(i, end - i)) : print(change.fields[i]);
  }
  if (change.refusal) line('!', change.refusal->message, "    ");
}

/// Keys of a Secret to which the same happens: all that there is to see of them is their names.
void DiffPrinter::print_keys(std::span<const release::FieldChange> fields) {
  std::string keys;
  for (const release::FieldChange& field : fields) keys += (keys.empty() ? "" : ", ") + field.path.substr(kData.size());
  const Change change = fields.front().change;
  const std::string_view what = change == Change::kChanged ? "changed (secret)" : "(secret)";
  line(change == Change::kAdded ? '+' : change == Change::kRemoved ? '-' : '~',
       fmt::format("{}: {} {}", kData.substr(0, kData.size() - 1), keys, what), "    ");
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
