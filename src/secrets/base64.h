#pragma once

// Base64 with padding, without line breaks (RFC 4648, 4), for the `data` of Secrets, keys and
// verifiers. Pure functions: any thread. Sizes are bytes, below 2 GiB (OpenSSL counts in int).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dbm::secrets {

/// Characters that `bytes` bytes become.
constexpr size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }

/// Appends the encoded bytes to `out`.
void append_base64(std::string& out, std::string_view bytes);

/// Writes to the caller's buffer of base64_size(bytes.size()) + 1 characters; the last one becomes
/// a NUL.
void write_base64(char* out, std::string_view bytes);

/// The bytes, or nothing when the text is not what append_base64 writes: other characters (white
/// space too), missing or misplaced padding, bits left over that are not zero (RFC 4648, 3.5).
/// One text for one value, so that comparing texts compares values.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace dbm::secrets
