#include "secrets/base64.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <openssl/evp.h>

#include "secrets/secret.h"

namespace dbm::secrets {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The two characters of each 12 bits.
constexpr auto kPairs = [] {
  std::array<std::array<char, 2>, 4096> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kAlphabet[i >> 6], kAlphabet[i & 63]};
  return pairs;
}();

/// How many `=` the text ends in, if all else about it is right; bits that padding leaves unused
/// must be zero.
std::optional<size_t> padding_of(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::string_view digits = text.substr(0, text.size() - padding);
  if (digits.find_first_not_of(kAlphabet) != digits.npos) return std::nullopt;
  if (padding == 0) return padding;
  const size_t unused_bits = (size_t{1} << (2 * padding)) - 1;
  if ((kAlphabet.find(digits.back()) & unused_bits) != 0) return std::nullopt;
  return padding;
}

}  // namespace

// Not EVP_EncodeBlock, which took a tenth of a run: three bytes are two look-ups here, four there.
void write_base64(char* out, std::string_view bytes) {
  const auto byte = [&](size_t i) { return uint32_t{static_cast<unsigned char>(bytes[i])}; };
  const auto write = [&](uint32_t bits) {
    std::memcpy(out, &kPairs[bits >> 12], 2);
    std::memcpy(out + 2, &kPairs[bits & 0xFFF], 2);
    out += 4;
  };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) write(byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2));
  if (const size_t rest = bytes.size() - i; rest != 0) {
    write(byte(i) << 16 | (rest == 2 ? byte(i + 1) << 8 : 0));
    std::fill(out - 3 + static_cast<ptrdiff_t>(rest), out, '=');
  }
  *out = '\0';
}

void append_base64(std::string& out, std::string_view bytes) {
  const size_t start = out.size();
  out.resize(start + base64_size(bytes.size()) + 1);
  write_base64(out.data() + start, bytes);
  out.pop_back();
}

std::optional<std::string> decode_base64(std::string_view text) {
  const std::optional<size_t> padding = padding_of(text);
  if (!padding) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) {
    wipe(out);
    return std::nullopt;
  }
  out.resize(static_cast<size_t>(n) - *padding);
  return out;
}

}  // namespace dbm::secrets
