// Any bytes as YAML: no crash, and what is read is written so that it reads back the same.

#include <cstdlib>

#include "yaml/reader.h"
#include "yaml/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbm;
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto tree = yaml::read(arena, sources, sources.add("fuzz", text), diagnostics,
                               {.expanded_nodes = 10'000});
  if (!tree) return 0;
  std::string written;
  yaml::write_yaml(written, *tree);
  const auto again = yaml::read(arena, sources, sources.add("again", written), diagnostics,
                                {.expanded_nodes = 10'000});
  if (!again) std::abort();
  std::string twice;
  yaml::write_yaml(twice, *again);
  if (written != twice) std::abort();
  return 0;
}
