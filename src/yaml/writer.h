#pragma once

// Writing trees as YAML and JSON.
//
// The YAML is block style as kubectl and Helm write it and reads back the same in YAML 1.1 readers
// (PyYAML, go-yaml v2) and 1.2 readers: what another reader could take for something else
// ("yes", "0123", "1e3", "12:30", " x") is quoted. Numbers are written in decimal whatever their
// spelling was; .inf and .nan, which JSON does not know, become strings there.

#include <string>

#include "yaml/value.h"

namespace dbm::yaml {

/// Appends `value` and a line end. Texts must be UTF-8.
void write_yaml(std::string& out, const Value& value);

/// As Value::string, having looked already whether it needs quotes: for what is written often.
Value prepared_string(std::string_view text);

/// Appends `value`, with `indent` spaces a level; 0: on one line, as short as can be.
void write_json(std::string& out, const Value& value, int indent = 0);
/// Appends a JSON string with its quotes.
void write_json_string(std::string& out, std::string_view text);

}  // namespace dbm::yaml
