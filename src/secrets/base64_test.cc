#include "secrets/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbm::secrets {
namespace {

std::string encode(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(Base64, Rfc4648) {
  constexpr std::pair<std::string_view, std::string_view> kVectors[] = {{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(encode(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
}

TEST(Base64, AllCharacters) {
  EXPECT_EQ(encode("\xfb\xff\xbf"), "+/+/");
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  const std::string_view nul("\0\0\0\0", 4);
  EXPECT_EQ(encode(nul), "AAAAAA==");
  EXPECT_EQ(decode_base64("AAAAAA=="), nul);
}

TEST(Base64, AppendsWithoutLineBreaks) {
  std::string out = "before:";
  append_base64(out, std::string(300, '\0'));
  EXPECT_EQ(out, "before:" + std::string(400, 'A'));
}

TEST(Base64, WritesToABuffer) {
  char buffer[10] = "#########";
  write_base64(buffer, "foob");
  EXPECT_EQ(std::string_view(buffer, 10), std::string_view("Zm9vYg==\0\0", 10));
}

TEST(Base64, WritesNoFurther) {
  char buffer[] = "##########";
  write_base64(buffer, "foob");
  EXPECT_EQ(std::string_view(buffer, 10), std::string_view("Zm9vYg==\0#", 10));
}

TEST(Base64, Size) {
  static_assert(base64_size(0) == 0 && base64_size(1) == 4 && base64_size(3) == 4);
  static_assert(base64_size(4) == 8 && base64_size(32) == 44);
}

TEST(Base64, RoundTrip) {
  EXPECT_TRUE(rc::check([](const std::vector<uint8_t>& bytes) {
    const std::string input(bytes.begin(), bytes.end());
    const std::string text = encode(input);
    RC_ASSERT(text.size() == base64_size(input.size()));
    RC_ASSERT(decode_base64(text) == input);
  }));
}

TEST(Base64, RefusesWhiteSpace) {
  for (const std::string_view text :
       {" Zm9v", "Zm9v ", "Zm9v\n", "Zm9v\r\n", "\tZm9v", "Zm9v\nYmFy", "Zm9v    ", "    Zm9v",
        "    ", "Zg== ", "Zg==\n\n\n\n", "Zm 8"})
    EXPECT_EQ(decode_base64(text), std::nullopt) << '"' << text << '"';
}

TEST(Base64, RefusesMissingOrMisplacedPadding) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zm8", "Z", "Zm9vY", "=", "==", "===", "====", "Z===", "Zg==Zg==", "Zm8=Zm9v",
        "Z=8=", "=m9v", "Zm9v=", "Zm9v===="})
    EXPECT_EQ(decode_base64(text), std::nullopt) << '"' << text << '"';
}

TEST(Base64, RefusesLeftOverBits) {
  for (const std::string_view text : {"Zh==", "Zv==", "Zm9=", "Zm+=", "Zm9vYh==", "//==", "///="})
    EXPECT_EQ(decode_base64(text), std::nullopt) << '"' << text << '"';
}

TEST(Base64, RefusesOtherCharacters) {
  for (const std::string_view text :
       {std::string_view("Zm9-"), std::string_view("Zm_v"), std::string_view("Zm9."),
        std::string_view("Zm9\xc3"), std::string_view("Zm9\0", 4), std::string_view("\0\0\0\0", 4)})
    EXPECT_EQ(decode_base64(text), std::nullopt) << '"' << text << '"';
}

// One text for one value: whatever is read is what would be written.
TEST(Base64, ReadsOnlyWhatItWrites) {
  const auto character = rc::gen::elementOf(std::string("AQgwBZaz09+/=== \n-_"));
  EXPECT_TRUE(rc::check([&] {
    const auto quads = *rc::gen::inRange<size_t>(1, 4);
    const auto text = *rc::gen::container<std::string>(quads * 4, character);
    if (const auto bytes = decode_base64(text)) RC_ASSERT(encode(*bytes) == text);
  }));
}

}  // namespace
}  // namespace dbm::secrets
