#pragma once

// Diagnostics: what is wrong with the input, where, why, and what to do about it.
//
// Every check of the program reports here and goes on, so that one run names every mistake. Nothing
// below cli prints; cli/report.h turns the list into text, JSON or SARIF.
// Ownership: Sources owns the texts; a Diagnostic owns its strings. Threads: none of this is shared.

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dbm {

/// A place in a source: 1-based line and column (in bytes); line 0 means "no place".
/// `source` is an index into Sources. Columns saturate at 65535.
struct Pos {
  uint32_t line = 0;
  uint16_t column = 0;
  uint16_t source = 0;
  explicit operator bool() const { return line != 0; }
  auto operator<=>(const Pos&) const = default;
};

/// The texts that were read (files, stdin, --set arguments), for quoting lines in messages.
class Sources {
 public:
  /// Takes the text; the views that text() returns live as long as this object. At most 65535.
  uint16_t add(std::string name, std::string text);
  const std::string& name(uint16_t source) const { return entries_[source].name; }
  std::string_view text(uint16_t source) const { return entries_[source].text; }
  /// The line without its end (neither \n nor \r\n); empty when there is no such line.
  std::string_view line(Pos pos) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name, text;
    mutable std::vector<size_t> line_starts;  // made on the first question
  };
  std::deque<Entry> entries_;
};

enum class Severity : uint8_t { kError, kWarning };

/// `code` is a stable kebab-case name of the class of mistake ("unknown-key"), documented in
/// docs/errors.md. `path` is the key ("clusters.main.databases[0].owner"). `related` points at
/// a second place ("first used here"). Never holds a secret.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;
  Pos pos;
  std::string path;
  std::string message;
  std::string hint;
  Pos related;
  std::string related_message;
};

class Diagnostics {
 public:
  Diagnostic& error(std::string_view code, Pos pos, std::string path, std::string message,
                    std::string hint = {});
  Diagnostic& warning(std::string_view code, Pos pos, std::string path, std::string message,
                      std::string hint = {});
  bool has_errors() const { return errors_ != 0; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return items_.size() - errors_; }
  const std::deque<Diagnostic>& items() const { return items_; }
  /// Those at other places.
  Diagnostics without(const std::set<Pos>& places) &&;
  /// Those of other classes.
  Diagnostics without_code(std::string_view code) &&;
  /// In the order of source, line, column; equal places keep the order in which they were found.
  std::vector<Diagnostic> sorted() const;
  /// Takes over what another list holds.
  void append(Diagnostics&& other);
  /// --strict: every warning becomes an error.
  void promote_warnings();

 private:
  Diagnostic& add(Severity severity, std::string_view code, Pos pos, std::string path,
                  std::string message, std::string hint);
  template <class Drop>
  Diagnostics filtered(const Drop& drop);
  std::deque<Diagnostic> items_;  // a deque: the references that error() returns stay good
  size_t errors_ = 0;
};

}  // namespace dbm
