// Any bytes as a --set argument.

#include "yaml/set_flags.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbm;
  if (size == 0) return 0;
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  const auto kind = static_cast<yaml::SetKind>(data[0] % 4);
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const yaml::ReadFile no_file = [](const std::string&, Pos) { return std::nullopt; };
  yaml::apply_set(arena, yaml::Value(), sources, sources.add("--set", text), kind, diagnostics,
                  no_file);
  return 0;
}
