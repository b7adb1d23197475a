// For test/yaml: JSON documents, one a line, become one YAML stream, so that other readers can be
// asked what they make of it.

#include <iostream>
#include <string>

#include "yaml/reader.h"
#include "yaml/writer.h"

int main() {
  using namespace dbm;
  std::string line, out;
  while (std::getline(std::cin, line)) {
    Sources sources;
    yaml::Arena arena;
    Diagnostics diagnostics;
    const auto value = yaml::read(arena, sources, sources.add("stdin", line), diagnostics);
    if (!value || diagnostics.has_errors()) {
      std::cerr << "cannot read " << line << "\n";
      return 1;
    }
    out += "---\n";
    yaml::write_yaml(out, *value);
  }
  std::cout << out;
}
