// For test/yaml, so that other readers and writers can be compared with ours.
//   yaml_tool write   JSON documents, one a line, become one YAML stream
//   yaml_tool read    a YAML stream becomes JSON documents, one a line

#include <iostream>
#include <iterator>
#include <string>

#include "yaml/reader.h"
#include "yaml/writer.h"

namespace {

using namespace dbm;

int refuse(const Diagnostics& diagnostics) {
  for (const Diagnostic& d : diagnostics.items())
    std::cerr << d.pos.line << ":" << d.pos.column << ": " << d.message << "\n";
  return 1;
}

int write() {
  std::string line, out;
  while (std::getline(std::cin, line)) {
    Sources sources;
    yaml::Arena arena;
    Diagnostics diagnostics;
    const auto value = yaml::read(arena, sources, sources.add("stdin", line), diagnostics);
    if (!value || diagnostics.has_errors()) return refuse(diagnostics);
    out += "---\n";
    yaml::write_yaml(out, *value);
  }
  std::cout << out;
  return 0;
}

int read() {
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  std::string text(std::istreambuf_iterator<char>(std::cin), {}), out;
  const auto documents =
      yaml::read_all(arena, sources, sources.add("stdin", std::move(text)), diagnostics);
  if (diagnostics.has_errors()) return refuse(diagnostics);
  for (const yaml::Value& document : documents) {
    yaml::write_json(out, document);
    out += '\n';
  }
  std::cout << out;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  if (mode == "write") return write();
  if (mode == "read") return read();
  std::cerr << "usage: yaml_tool write|read\n";
  return 2;
}
