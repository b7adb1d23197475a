#include "secrets/hkdf.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace dbm::secrets {
namespace {

std::string hex(std::span<const uint8_t> bytes) {
  std::string out;
  for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::vector<uint8_t> expand(const Hkdf& hkdf, std::string_view info, size_t size) {
  std::vector<uint8_t> out(size);
  hkdf.expand(info, out);
  return out;
}

/// The bytes from `first` to `last`, both included.
std::string range(int first, int last) {
  std::string out(static_cast<size_t>(last - first + 1), '\0');
  std::iota(out.begin(), out.end(), static_cast<char>(first));
  return out;
}

const std::string kKey1(22, '\x0b');

// RFC 5869, A.1 to A.3.
TEST(Hkdf, Rfc5869Basic) {
  EXPECT_EQ(hex(expand(Hkdf(kKey1, range(0x00, 0x0c)), range(0xf0, 0xf9), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Hkdf, Rfc5869Longer) {
  EXPECT_EQ(hex(expand(Hkdf(range(0x00, 0x4f), range(0x60, 0xaf)), range(0xb0, 0xff), 82)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

TEST(Hkdf, Rfc5869WithoutSaltAndInfo) {
  EXPECT_EQ(hex(expand(Hkdf(kKey1), "", 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// The last of 255 blocks, computed with Python's hmac.
TEST(Hkdf, LongestOutput) {
  const auto out = expand(Hkdf(kKey1, range(0x00, 0x0c)), range(0xf0, 0xf9), Hkdf::kMaxBytes);
  EXPECT_EQ(hex(std::span(out).last(32)),
            "76a3f78bcffe95fecf91923c22ad6ee64d48a6d1b981d7e523d5c0f22154ee88");
}

TEST(Hkdf, NoOutput) { EXPECT_TRUE(expand(Hkdf("key"), "info", 0).empty()); }

TEST(Hkdf, NoSaltIsZeros) {
  EXPECT_EQ(expand(Hkdf("key"), "info", 64),
            expand(Hkdf("key", std::string(32, '\0')), "info", 64));
}

TEST(Hkdf, LongerOutputBeginsWithShorter) {
  const Hkdf hkdf("some key");
  EXPECT_TRUE(rc::check([&](const std::string& info) {
    const auto longer = static_cast<size_t>(*rc::gen::inRange(0, 300));
    const auto shorter =
        static_cast<size_t>(*rc::gen::inRange<int>(0, static_cast<int>(longer) + 1));
    auto out = expand(hkdf, info, longer);
    out.resize(shorter);
    RC_ASSERT(out == expand(hkdf, info, shorter));
  }));
}

TEST(Hkdf, KeySaltAndInfoAllCount) {
  EXPECT_TRUE(rc::check([](const std::string& a, const std::string& b) {
    RC_PRE(a != b);
    // HMAC pads a short key with zeros: a salt that differs in those only is the same salt.
    const std::string salt_a = "salt" + a + '.', salt_b = "salt" + b + '.';
    RC_ASSERT(expand(Hkdf(a), "info", 32) != expand(Hkdf(b), "info", 32));
    RC_ASSERT(expand(Hkdf("key"), a, 32) != expand(Hkdf("key"), b, 32));
    RC_ASSERT(expand(Hkdf("key", salt_a), "", 32) != expand(Hkdf("key", salt_b), "", 32));
  }));
}

TEST(Hkdf, ManyThreadsAtOnce) {
  const Hkdf hkdf("key");
  const auto expected = expand(hkdf, "info", 100);
  std::array<bool, 4> same{};
  {
    std::vector<std::jthread> threads;
    for (bool& result : same)
      threads.emplace_back([&] {
        result = true;
        for (int i = 0; i < 200; ++i) result = result && expand(hkdf, "info", 100) == expected;
      });
  }
  for (const bool result : same) EXPECT_TRUE(result);
}

}  // namespace
}  // namespace dbm::secrets
