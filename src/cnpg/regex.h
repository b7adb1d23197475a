#pragma once

// Regular expressions of Go's kind: the API server judges CRDs by them and the operator compiles
// what users write. RE2 has the same syntax and, as Go's, takes linear time. Threads: any.

#include <optional>
#include <string>
#include <string_view>

namespace dbm::cnpg {

/// True when the pattern is found anywhere in the text. Patterns are compiled once a thread and kept:
/// `pattern` must live as long as the process (a row of the table does).
bool matches(std::string_view pattern, std::string_view text);

/// What is wrong with a pattern; nothing when it can be compiled.
std::optional<std::string> regex_mistake(std::string_view pattern);

}  // namespace dbm::cnpg
