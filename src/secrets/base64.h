#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dbm::secrets {

/// Base64 with padding, without line breaks (RFC 4648, 4).
void append_base64(std::string& out, std::string_view bytes);
/// Writes to a buffer of base64_size(bytes.size()) + 1 characters.
void write_base64(char* out, std::string_view bytes);
constexpr size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }
/// Nothing when the text is no base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace dbm::secrets
