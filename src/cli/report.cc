#include "cli/report.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "base/version.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

std::string_view name_of(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

std::string place(const Sources& sources, Pos pos) {
  if (!pos || pos.source >= sources.size()) return {};
  return fmt::format("{}:{}:{}", sources.name(pos.source), pos.line, pos.column);
}

/// Keys whose value must not be shown.
bool is_secret(const std::string& path) {
  constexpr std::string_view kSecret[] = {"accessKeyId", "secretAccessKey", "connectionString",
                                          "storageKey", "storageSasToken",
                                          "applicationCredentials", "password"};
  const std::string_view last = std::string_view(path).substr(path.rfind('.') + 1);
  return std::ranges::find(kSecret, last) != std::end(kSecret);
}

class TextReport {
 public:
  TextReport(const Sources& sources, bool colour) : sources_(sources), colour_(colour) {}

  void add(const Diagnostic& d) {
    const std::string where = place(sources_, d.pos);
    if (!where.empty()) out += paint("1", where + ": ");
    out += paint(d.severity == Severity::kError ? "1;31" : "1;35",
                 std::string(name_of(d.severity)) + ": ");
    if (!d.path.empty()) out += d.path + ": ";
    out += d.message + paint("2", fmt::format(" [{}]", d.code)) + "\n";
    quote(d.pos, d.path);
    if (!d.hint.empty()) out += fmt::format("  {} {}\n", paint("1;36", "help:"), d.hint);
    if (d.related) {
      out += fmt::format("  {} {}: {}\n", paint("1;36", "note:"), place(sources_, d.related),
                         d.related_message);
    }
  }
  std::string out;

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    return colour_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
  }

  void quote(Pos pos, const std::string& path) {
    if (!pos || pos.source >= sources_.size()) return;
    std::string_view line = sources_.line(pos);
    if (line.empty() || line.size() > 500 || pos.column > line.size() + 1) return;
    const std::string number = std::to_string(pos.line), gutter(number.size(), ' ');
    const std::string before = printable_line(line.substr(0, pos.column - 1U));
    const std::string rest =
        is_secret(path) ? "(hidden)" : printable_line(line.substr(pos.column - 1U));
    out += fmt::format(" {} | {}{}\n {} | {}{}\n", number, before, rest, gutter,
                       std::string(width(before), ' '), paint("1;32", "^"));
  }

  static std::string printable_line(std::string_view line) {
    std::string text(line);
    std::ranges::replace(text, '\t', ' ');
    return printable(text, 4 * text.size() + 1);
  }
  /// Characters, as a terminal counts most of them.
  static size_t width(std::string_view text) {
    return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
  }

  const Sources& sources_;
  bool colour_;
};

using yaml::Arena;
using yaml::Value;

Value text(Arena& arena, std::string_view t) { return Value::string(arena.copy(t)); }

}  // namespace

std::string report_text(const Sources& sources, const Diagnostics& diagnostics, bool colour) {
  TextReport report(sources, colour);
  for (const Diagnostic& d : diagnostics.sorted()) report.add(d);
  return report.out;
}

std::string report_json(const Sources& sources, const Diagnostics& diagnostics) {
  Arena arena;
  Value list = Value::list(arena);
  for (const Diagnostic& d : diagnostics.sorted()) {
    Value item = Value::map(arena);
    const auto set = [&](std::string_view key, std::string_view t) {
      if (!t.empty()) item.append(arena, key, text(arena, t));
    };
    set("severity", name_of(d.severity));
    set("code", d.code);
    if (d.pos) {
      set("file", sources.name(d.pos.source));
      item.append(arena, "line", Value::integer(arena, d.pos.line));
      item.append(arena, "column", Value::integer(arena, d.pos.column));
    }
    set("path", d.path);
    set("message", d.message);
    set("hint", d.hint);
    if (d.related) set("related", place(sources, d.related) + ": " + d.related_message);
    list.push(arena, item);
  }
  Value root = Value::map(arena);
  root.append(arena, "errors", Value::integer(arena, static_cast<int64_t>(diagnostics.errors())));
  root.append(arena, "warnings",
              Value::integer(arena, static_cast<int64_t>(diagnostics.warnings())));
  root.append(arena, "diagnostics", list);
  std::string out;
  yaml::write_json(out, root, 2);
  return out + "\n";
}

std::string report_sarif(const Sources& sources, const Diagnostics& diagnostics) {
  const auto quoted = [](std::string_view t) {
    std::string out;
    yaml::write_json_string(out, t);
    return out;
  };
  std::set<std::string> codes;
  std::string results;
  for (const Diagnostic& d : diagnostics.sorted()) {
    codes.insert(d.code);
    if (!results.empty()) results += ",";
    std::string message = d.path.empty() ? d.message : d.path + ": " + d.message;
    if (!d.hint.empty()) message += " (" + d.hint + ")";
    results += fmt::format(R"({{"ruleId":{},"level":{},"message":{{"text":{}}})", quoted(d.code),
                           quoted(name_of(d.severity)), quoted(message));
    if (d.pos)
      results += fmt::format(
          R"(,"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":{}}},"region":{{"startLine":{},"startColumn":{}}}}}}}])",
          quoted(sources.name(d.pos.source)), d.pos.line, d.pos.column);
    results += "}";
  }
  std::string rules;
  for (const std::string& code : codes)
    rules += fmt::format("{}{{\"id\":{}}}", rules.empty() ? "" : ",", quoted(code));
  return fmt::format(
      R"({{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"cnpg-dbm","version":"{}","rules":[{}]}}}},"results":[{}]}}]}})"
      "\n",
      kVersion, rules, results);
}

}  // namespace dbm::cli
