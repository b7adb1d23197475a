// The text for people.

#include "audit/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace dbm::audit {
namespace {

constexpr std::string_view kRed = "\x1B[31;1m", kYellow = "\x1B[33m", kGreen = "\x1B[32m",
                           kDim = "\x1B[2m", kReset = "\x1B[0m";
constexpr size_t kMostColumns = 40, kMostRows = 100;
constexpr size_t kMostName = 24;

/// A letter a verdict.
struct Symbol {
  std::string_view text, colour, meaning;
};
Symbol symbol(Verdict verdict) {
  switch (verdict) {
    case Verdict::kShut:
      return {"·", kDim, "shut"};
    case Verdict::kOpen:
      return {"o", kGreen, "enters"};
    case Verdict::kBreach:
      return {"X", kRed, "OPEN, should be shut"};
    case Verdict::kBlocked:
      return {"#", kRed, "SHUT, should be open"};
    case Verdict::kDepends:
      return {"p", kDim, "from the server's own machine, as the system's user"};
    case Verdict::kFree:
      break;
  }
  return {"f", kYellow, "open: isolation is off"};
}

/// How many columns of a terminal a text takes, near enough for names.
size_t columns(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

class Writer {
 public:
  Writer(const Audit& audit, const ReportOptions& options) : audit_(audit), options_(options) {}

  std::string write() {
    out_ = fmt::format("cluster {}: {} login roles, {} databases, PostgreSQL {}\n",
                       printable(audit_.cluster), audit_.matrix.roles.size(),
                       audit_.matrix.databases.size(), audit_.server.major());
    if (fits())
      write_matrix();
    else
      write_summary();
    write_attempts();
    write_findings();
    return std::move(out_);
  }

 private:
  bool fits() const {
    const Matrix& m = audit_.matrix;
    return m.databases.size() <= kMostColumns && m.roles.size() <= kMostRows &&
           name_width() + 2 + 3 * m.databases.size() <= options_.width;
  }
  size_t name_width() const {
    size_t width = 4;
    for (const uint32_t role : audit_.matrix.roles)
      width = std::max(width, columns(printable(audit_.server.roles[role].name, kMostName)));
    return width;
  }

  void paint(std::string_view text, std::string_view colour) {
    if (options_.colour) out_ += colour;
    out_ += text;
    if (options_.colour) out_ += kReset;
  }
  void pad(size_t count) { out_.append(count, ' '); }

  /// Databases have numbers over their columns, and their names below: names stand upright nowhere.
  void write_matrix() {
    const Matrix& m = audit_.matrix;
    const size_t width = name_width();
    out_ += '\n';
    pad(width + 1);
    for (size_t column = 0; column < m.databases.size(); ++column)
      out_ += fmt::format("{:>3}", column + 1);
    out_ += '\n';
    for (size_t row = 0; row < m.roles.size(); ++row) {
      const std::string name = printable(audit_.server.roles[m.roles[row]].name, kMostName);
      out_ += name;
      pad(width + 1 - columns(name));
      for (size_t column = 0; column < m.databases.size(); ++column) {
        const Cell& cell = m.at(row, column);
        const Symbol s = symbol(cell.verdict);
        pad(2);
        paint(s.text, s.colour);
      }
      out_ += '\n';
    }
    out_ += '\n';
    size_t used = 0;
    for (size_t column = 0; column < m.databases.size(); ++column) {
      const std::string name = fmt::format(
          "{} {}", column + 1, printable(audit_.server.databases[m.databases[column]].name, 63));
      if (used > 0 && used + 3 + columns(name) > options_.width) {
        out_ += '\n';
        used = 0;
      }
      if (used > 0) {
        out_ += "   ";
        used += 3;
      }
      out_ += name;
      used += columns(name);
    }
    out_ += "\n\n";
    write_counts();
  }

  void write_summary() {
    out_ += fmt::format("\n{} pairs of role and database:\n",
                        audit_.matrix.roles.size() * audit_.matrix.databases.size());
    write_counts();
  }

  void write_counts() {
    for (size_t v = 0; v < kVerdicts; ++v) {
      const size_t count = audit_.matrix.counts[v];
      if (count == 0) continue;
      const Symbol s = symbol(static_cast<Verdict>(v));
      pad(2);
      paint(s.text, s.colour);
      out_ += fmt::format(" {:>8}  {}\n", count, s.meaning);
    }
  }

  void write_attempts() {
    if (audit_.attempts.empty()) return;
    out_ += "\nlogins tried:\n";
    for (uint32_t e = 0; e < audit_.entrances.size(); ++e) {
      std::map<Outcome, size_t> counts;
      size_t all = 0;
      for (const Attempt& attempt : audit_.attempts)
        if (attempt.entrance == e) {
          ++counts[attempt.outcome];
          ++all;
        }
      const std::string title = audit_.entrances[e].title();
      out_ += fmt::format("  {}: {}", title.empty() ? "directly" : printable(title), all);
      std::string_view before = " - ";
      for (const auto& [outcome, count] : counts) {
        out_ += fmt::format("{}{} {}", before, count, to_string(outcome));
        before = ", ";
      }
      out_ += '\n';
    }
  }

  void write_findings() {
    size_t errors = 0, warnings = 0;
    for (const Finding& f : audit_.findings) {
      ++(f.error ? errors : warnings);
      out_ += '\n';
      paint(f.error ? "error" : "warning", f.error ? kRed : kYellow);
      out_ += fmt::format(": {}: {} [{}]\n", printable(f.object, 160), printable(f.why, 2'000),
                          f.code);
      if (!f.hint.empty()) out_ += fmt::format("  help: {}\n", f.hint);
    }
    out_ += '\n';
    const auto count = [](size_t n, std::string_view what) {
      return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
    };
    if (errors == 0) {
      paint("as expected", kGreen);
      out_ += ": every role enters its own databases, and none enters another's";
      out_ += warnings == 0 ? "\n" : fmt::format(" ({})\n", count(warnings, "warning"));
    } else {
      paint("NOT as expected", kRed);
      out_ += fmt::format(": {}, {}\n", count(errors, "error"), count(warnings, "warning"));
    }
  }

  const Audit& audit_;
  const ReportOptions& options_;
  std::string out_;
};

}  // namespace

std::string report_text(const Audit& audit, const ReportOptions& options) {
  return Writer(audit, options).write();
}

}  // namespace dbm::audit
