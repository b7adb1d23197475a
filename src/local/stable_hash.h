#pragma once

#include <cstdint>
#include <string_view>

namespace dbm::local {

/// FNV-1a: the same on every machine and in every version. For names that must stay what they are.
inline uint32_t stable_hash(std::string_view text) {
  uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace dbm::local
