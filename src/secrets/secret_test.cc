#include "secrets/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "secrets/password.h"

namespace dbm::secrets {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(Streamable<std::string> && !Streamable<Secret> && !Streamable<Password>);
static_assert(fmt::is_formattable<std::string>::value);
static_assert(!fmt::is_formattable<Secret>::value && !fmt::is_formattable<Password>::value);
template <class T>
constexpr bool kTextLike =
    std::is_convertible_v<T, std::string> || std::is_convertible_v<T, std::string_view> ||
    std::is_convertible_v<T, const char*>;
static_assert(!kTextLike<Secret> && !kTextLike<Password>);
static_assert(!std::is_convertible_v<std::string, Secret>);  // a text becomes one knowingly
static_assert(std::is_nothrow_move_constructible_v<Secret>);

constexpr std::string_view kShort = "hunter2";  // within std::string itself
const std::string kLong(200, '!');              // on the heap

/// What lies in memory, dead or alive; volatile, so that the compiler believes nothing about it.
std::string memory(const void* start, size_t size) {
  const auto* bytes = static_cast<const volatile char*>(start);
  std::string out;
  for (size_t i = 0; i < size; ++i) out += bytes[i];
  return out;
}

bool is_wiped(const void* start, size_t size) {
  return memory(start, size) == std::string(size, 0);
}

template <class T>
bool holds(const T& object, std::string_view text) {
  return memory(&object, sizeof object).find(text) != std::string::npos;
}

TEST(Wipe, Bytes) {
  std::vector<char> bytes(100, 'x');
  wipe(bytes.data() + 1, 98);
  EXPECT_EQ(bytes.front(), 'x');
  EXPECT_EQ(bytes.back(), 'x');
  EXPECT_TRUE(is_wiped(bytes.data() + 1, 98));
  wipe(bytes.data(), 0);
  EXPECT_EQ(bytes.front(), 'x');
}

TEST(Wipe, Strings) {
  for (const std::string_view text : {kShort, std::string_view(kLong)}) {
    std::string string(text);
    const char* start = string.data();
    wipe(string);
    EXPECT_TRUE(string.empty());
    EXPECT_EQ(string.data(), start);
    EXPECT_TRUE(is_wiped(start, text.size()));
  }
}

TEST(Wipe, BehindTheEndOfAString) {
  std::string string = kLong;
  string.resize(3);
  const char* start = string.data();
  wipe(string);
  EXPECT_TRUE(is_wiped(start, kLong.size()));
}

TEST(Secret, Reveals) {
  EXPECT_EQ(Secret(std::string(kShort)).reveal(), kShort);
  EXPECT_EQ(Secret(std::string(kLong)).reveal(), kLong);
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret(std::string()).empty());
  EXPECT_FALSE(Secret(std::string(kShort)).empty());
}

TEST(Secret, WipesWhatItIsMadeOf) {
  std::string text(kShort);
  ASSERT_TRUE(holds(text, kShort));  // else this test shows nothing
  const Secret secret(std::move(text));
  EXPECT_FALSE(holds(text, kShort));
  EXPECT_EQ(secret.reveal(), kShort);
}

TEST(Secret, WipesWhatItIsMovedFrom) {
  Secret from{std::string(kShort)};
  ASSERT_TRUE(holds(from, kShort));
  const Secret to(std::move(from));
  EXPECT_FALSE(holds(from, kShort));
  EXPECT_EQ(to.reveal(), kShort);
}

TEST(Secret, AssignmentLeavesNothingOfTheOld) {
  Secret secret{std::string(kShort)};
  secret = Secret(std::string("new"));
  EXPECT_EQ(secret.reveal(), "new");
  EXPECT_FALSE(holds(secret, kShort.substr(3)));
  secret = Secret();
  EXPECT_TRUE(secret.empty());
  EXPECT_FALSE(holds(secret, "new"));
}

TEST(Secret, CopiesAreIndependent) {
  Secret copy;
  {
    const Secret secret{std::string(kLong)};
    copy = secret;
    EXPECT_NE(copy.reveal().data(), secret.reveal().data());
    EXPECT_EQ(secret.reveal(), kLong);
  }
  EXPECT_EQ(copy.reveal(), kLong);
  const Secret& same = copy;
  copy = same;
  EXPECT_EQ(copy.reveal(), kLong);
}

TEST(Secret, WipedWhenItGoes) {
  alignas(Secret) std::byte place[sizeof(Secret)];
  auto* secret = new (place) Secret(std::string(kShort));
  ASSERT_TRUE(holds(place, kShort));
  std::destroy_at(secret);
  EXPECT_FALSE(holds(place, kShort));
}

TEST(Password, WipedWhenItGoes) {
  alignas(Password) std::byte place[sizeof(Password)];
  auto* password = new (place) Password;
  std::ranges::fill(password->chars, 'x');
  ASSERT_TRUE(holds(place, std::string(kPasswordLength, 'x')));
  std::destroy_at(password);
  EXPECT_TRUE(is_wiped(place, sizeof place));
}

}  // namespace
}  // namespace dbm::secrets
