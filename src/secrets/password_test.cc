#include "secrets/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbm::secrets {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::string read_all(std::span<const uint8_t> bytes) {
  std::string out(bytes.size(), '\0');
  size_t used = 0;
  out.resize(to_alphanumeric(bytes, used, out));
  EXPECT_EQ(used, bytes.size());
  return out;
}

/// The same bytes in every run.
class SeededSource {
 public:
  explicit SeededSource(uint64_t seed) : random_(seed) {}
  void operator()(std::span<uint8_t> out) {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(random_() >> 56);
  }

 private:
  std::mt19937_64 random_;
};

std::string next(PasswordSource& source) { return std::string(source.next().view()); }

// No bias: of all 256 values, each character has exactly four.
TEST(ToAlphanumeric, EachCharacterStandsForFourValues) {
  std::array<uint8_t, 256> all;
  std::iota(all.begin(), all.end(), uint8_t{0});
  const std::string text = read_all(all);
  EXPECT_EQ(text.substr(0, 62), kAlphabet);
  std::map<char, int> count;
  for (const char c : text) ++count[c];
  EXPECT_EQ(count.size(), kAlphabet.size());
  for (const char c : kAlphabet) EXPECT_EQ(count[c], 4) << c;
}

TEST(ToAlphanumeric, SkipsTheLastEightValues) {
  for (int value = 0; value < 256; ++value) {
    const auto byte = static_cast<uint8_t>(value);
    const std::string text = read_all({&byte, 1});
    if (value < 248)
      EXPECT_EQ(text, std::string(1, kAlphabet[byte % 62])) << value;
    else
      EXPECT_EQ(text, "") << value;
  }
}

TEST(ToAlphanumeric, GoesOnFromWhereItStopped) {
  const std::vector<uint8_t> bytes = {0, 255, 1, 248, 2, 3};
  size_t used = 0;
  std::array<char, 2> out;
  EXPECT_EQ(to_alphanumeric(bytes, used, out), 2U);
  EXPECT_EQ(std::string_view(out.data(), 2), "AB");
  EXPECT_EQ(used, 3U);
  EXPECT_EQ(to_alphanumeric(bytes, used, out), 2U);
  EXPECT_EQ(std::string_view(out.data(), 2), "CD");
  EXPECT_EQ(used, 6U);
  EXPECT_EQ(to_alphanumeric(bytes, used, out), 0U);
  EXPECT_EQ(used, 6U);
}

TEST(ToAlphanumeric, ReadsNothingForNoRoom) {
  const std::vector<uint8_t> bytes = {1, 2};
  size_t used = 0;
  EXPECT_EQ(to_alphanumeric(bytes, used, {}), 0U);
  EXPECT_EQ(used, 0U);
}

TEST(ToAlphanumeric, PiecesGiveTheSameText) {
  EXPECT_TRUE(rc::check([](const std::vector<uint8_t>& bytes) {
    const auto piece = *rc::gen::inRange<size_t>(1, 10);
    std::string pieces, out(piece, '\0');
    for (size_t used = 0; used < bytes.size();)
      pieces.append(out, 0, to_alphanumeric(bytes, used, out));
    RC_ASSERT(pieces == read_all(bytes));
  }));
}

TEST(PasswordSource, AlphabetAndLength) {
  PasswordSource source;
  for (int i = 0; i < 1000; ++i) {
    const std::string password = next(source);
    ASSERT_EQ(password.size(), 32U);
    ASSERT_EQ(password.find_first_not_of(kAlphabet), std::string::npos) << password;
  }
}

TEST(PasswordSource, AllDiffer) {
  PasswordSource one, two;
  std::set<std::string> seen;
  for (int i = 0; i < 3000; ++i) {
    EXPECT_TRUE(seen.insert(next(one)).second);
    EXPECT_TRUE(seen.insert(next(two)).second);
  }
}

// Chi-square with 61 degrees of freedom is below 100.9 in 999 of 1000 cases; the seed is fixed.
TEST(PasswordSource, NoBias) {
  PasswordSource source(SeededSource(1));
  constexpr int kPasswords = 20'000;
  std::array<int, 256> count{};
  std::array<int, 256> count_first{};
  for (int i = 0; i < kPasswords; ++i) {
    const std::string password = next(source);
    for (const char c : password) ++count[static_cast<uint8_t>(c)];
    ++count_first[static_cast<uint8_t>(password[0])];
  }
  const auto chi_square = [](const std::array<int, 256>& counts, double total) {
    const double expected = total / static_cast<double>(kAlphabet.size());
    double sum = 0;
    for (const char c : kAlphabet) {
      const double difference = counts[static_cast<uint8_t>(c)] - expected;
      sum += difference * difference / expected;
    }
    return sum;
  };
  EXPECT_LT(chi_square(count, kPasswords * 32.0), 100.9);
  EXPECT_LT(chi_square(count_first, kPasswords), 100.9);
}

// The passwords are the source's bytes read in order; where a block ends makes no difference.
TEST(PasswordSource, ReadsBlocksWithoutGaps) {
  std::vector<uint8_t> bytes(4 * PasswordSource::kBlockBytes);
  SeededSource seeded(2);
  for (size_t i = 0; i < 4; ++i)
    seeded(std::span(bytes).subspan(i * PasswordSource::kBlockBytes, PasswordSource::kBlockBytes));
  const std::string expected = read_all(bytes);

  PasswordSource source(SeededSource(2));
  for (size_t i = 0; i + kPasswordLength <= expected.size(); i += kPasswordLength)
    ASSERT_EQ(next(source), expected.substr(i, kPasswordLength)) << i;
}

TEST(PasswordSource, AsksForABlockAtATime) {
  std::vector<size_t> asked;
  uint8_t byte = 0;
  PasswordSource source([&](std::span<uint8_t> out) {
    asked.push_back(out.size());
    std::ranges::fill(out, byte++);
  });
  EXPECT_THAT(asked, testing::IsEmpty());  // nothing before it is needed
  constexpr size_t kInBlock = PasswordSource::kBlockBytes / kPasswordLength;
  for (size_t i = 0; i < kInBlock; ++i) ASSERT_EQ(next(source), std::string(32, 'A'));
  EXPECT_THAT(asked, testing::ElementsAre(PasswordSource::kBlockBytes));
  EXPECT_EQ(next(source), std::string(32, 'B'));
  EXPECT_THAT(asked,
              testing::ElementsAre(PasswordSource::kBlockBytes, PasswordSource::kBlockBytes));
}

TEST(PasswordSource, AsksAgainWhenAllBytesAreSkipped) {
  int asked = 0;
  PasswordSource source([&](std::span<uint8_t> out) {
    std::ranges::fill(out, asked++ < 3 ? uint8_t{255} : uint8_t{61});
  });
  EXPECT_EQ(next(source), std::string(32, '9'));
  EXPECT_EQ(asked, 4);
}

TEST(PasswordSource, WipesUsedBytes) {
  std::span<const uint8_t> block;
  PasswordSource source([&](std::span<uint8_t> out) {
    std::ranges::fill(out, uint8_t{1});
    out[0] = 255;
    block = out;
  });
  source.next();
  ASSERT_EQ(block.size(), PasswordSource::kBlockBytes);
  const auto is = [](uint8_t value) { return [=](uint8_t byte) { return byte == value; }; };
  EXPECT_TRUE(std::ranges::all_of(block.first(33), is(0)));
  EXPECT_TRUE(std::ranges::all_of(block.subspan(33), is(1)));
}

TEST(OsRandom, FillsTheWholeBuffer) {
  // More than getrandom gives in one piece when a signal comes; 16 zero bytes by chance: 2^-128.
  std::vector<uint8_t> bytes(300'000), other(bytes.size());
  os_random(bytes);
  os_random(other);
  EXPECT_NE(bytes, other);
  const std::vector<uint8_t> zeros(16);
  EXPECT_TRUE(std::ranges::search(bytes, zeros).empty());
  os_random({});
}

}  // namespace
}  // namespace dbm::secrets
