#pragma once

// SCRAM-SHA-256 verifiers as PostgreSQL stores them (RFC 7677, RFC 5802; PostgreSQL 53.3):
// SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. A server given one never sees the
// password itself.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "secrets/password.h"

namespace dbm::secrets {

inline constexpr int kScramIterations = 4096;
/// More than this in a verifier is taken for an attempt to keep us busy.
inline constexpr int kMostIterations = 1'000'000;

/// The verifier of a password. PostgreSQL normalises non-ASCII passwords with SASLprep, which is
/// not done here: give ASCII.
std::string scram_verifier(std::string_view password, std::span<const uint8_t> salt,
                           int iterations = kScramIterations);
/// With a fresh salt of 16 bytes.
std::string scram_verifier(std::string_view password, const ByteSource& source = os_random);

/// True when `verifier` is one and the password fits it.
bool scram_verify(std::string_view password, std::string_view verifier);

}  // namespace dbm::secrets
