// Any bytes as JSON of a server: no crash, and what is read is written so that it reads back the same.

#include <cstdlib>

#include "kube/json.h"
#include "yaml/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbm;
  yaml::Arena arena;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto tree = kube::read_json(arena, text);
  if (!tree) return 0;
  std::string written;
  yaml::write_json(written, *tree);
  const auto again = kube::read_json(arena, written);
  if (!again) std::abort();
  std::string twice;
  yaml::write_json(twice, *again);
  if (written != twice) std::abort();
  return 0;
}
