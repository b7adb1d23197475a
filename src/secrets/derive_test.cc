#include "secrets/derive.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "secrets/base64.h"

namespace dbm::secrets {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPrefix = "cnpg-dbm-key-v1:";
// The bytes 0 to 31.
constexpr std::string_view kKeyDigits = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kKeyText = std::string(kPrefix) + std::string(kKeyDigits);

std::string key_bytes() {
  std::string key(32, '\0');
  std::iota(key.begin(), key.end(), '\0');
  return key;
}

void count_up(std::span<uint8_t> out) { std::iota(out.begin(), out.end(), uint8_t{0}); }

std::string derive(std::string_view ns, std::string_view cluster, std::string_view role,
                   int64_t generation) {
  static const Deriver deriver{Secret(key_bytes())};
  return std::string(deriver.password(ns, cluster, role, generation).view());
}

// Golden vectors, never to be changed (derive.h). Made with Python's hmac from the rules in
// derive.h alone: PRK = HMAC(32 zero bytes, key), 64 bytes of HKDF-Expand of the info, bytes below
// 248 as ALPHABET[byte % 62], the first 32 of them.
TEST(Derive, GoldenVectors) {
  EXPECT_EQ(derive("default", "main", "app", 1), "48NxsSDnAmEb2nkSuP6uaVSAVMcrzyf4");
  EXPECT_EQ(derive("default", "main", "app", 2), "5EL2gpQF6eR3tolRbUKdUWrH9R7clVml");
  EXPECT_EQ(derive("default", "main", "billing", 1), "xsCI7SEzHrviEYStwnz0qmWheTJdFpOn");
  EXPECT_EQ(derive("default", "other", "app", 1), "REswAeZ0LteDyd0qK0SswXWrN4Hzb5xf");
  EXPECT_EQ(derive("prod", "main", "app", 1), "UnRD9wOtfVbt9jk0Kbu24AwcpF8w2W4k");
  EXPECT_EQ(derive("prod", "main", "a/b 1", std::numeric_limits<int64_t>::max()),
            "YF7TKCnGdXfEE2OVsQpFl2XzrTuahqZl");
  EXPECT_EQ(derive("prod", "main", "r\u00f4le", 1), "KVmWXrTELmQMBSFZAVk6oC9QckbRo0yg");
  EXPECT_EQ(Deriver(Secret(std::string(32, '\xff'))).password("default", "main", "app", 1).view(),
            "OhxnqkrPRD6dTe2dl1PoZZVJTYcOWRhk");
}

TEST(Derive, FromTheKeyAsText) {
  const auto key = parse_key(kKeyText);
  ASSERT_TRUE(key);
  EXPECT_EQ(Deriver(*key).password("default", "main", "app", 1).view(),
            "48NxsSDnAmEb2nkSuP6uaVSAVMcrzyf4");
}

TEST(Derive, EveryPartCounts) {
  const std::set<std::string> passwords = {
      derive("ns", "cluster", "role", 1),  derive("ns2", "cluster", "role", 1),
      derive("ns", "cluster2", "role", 1), derive("ns", "cluster", "role2", 1),
      derive("ns", "cluster", "role", 2),  derive("ns", "cluster", "Role", 1),
      derive("cluster", "ns", "role", 1),  derive("ns", "cluster", "role/1", 1),
      derive("ns", "cluster", "role", 11), derive("nscluster", "", "role", 1)};
  EXPECT_EQ(passwords.size(), 10U);
  EXPECT_EQ(derive("ns", "cluster", "role", 1), derive("ns", "cluster", "role", 1));
}

TEST(Derive, DifferentQuestionsDifferentPasswords) {
  // Namespaces and clusters without '/', few characters: near misses are likely.
  const auto name = rc::gen::container<std::string>(rc::gen::element('a', '1'));
  const auto role = rc::gen::container<std::string>(rc::gen::element('a', '1', '/'));
  const auto question = rc::gen::tuple(name, name, role, rc::gen::inRange<int64_t>(1, 12));
  const auto answer = [](const auto& q) { return std::apply(derive, q); };
  EXPECT_TRUE(rc::check([&] {
    const auto a = *question, b = *question;
    RC_ASSERT((a == b) == (answer(a) == answer(b)));
  }));
}

TEST(Derive, AlphabetAndLength) {
  for (int64_t generation = 1; generation <= 500; ++generation) {
    const std::string password = derive("ns", "cluster", "role", generation);
    ASSERT_EQ(password.size(), kPasswordLength);
    ASSERT_TRUE(std::ranges::all_of(password, [](unsigned char c) { return std::isalnum(c); }));
  }
}

TEST(ReadPassword, AsksForSixtyFourBytes) {
  std::vector<size_t> asked;
  const Password password = read_password([&](std::span<uint8_t> out) {
    asked.push_back(out.size());
    std::ranges::fill(out, uint8_t{255});
    std::ranges::fill(out.subspan(32, 32), uint8_t{25});
  });
  EXPECT_EQ(password.view(), std::string(32, 'Z'));
  EXPECT_THAT(asked, testing::ElementsAre(64U));
}

TEST(ReadPassword, AsksForMoreWhenSkippedBytesAreTooMany) {
  std::vector<size_t> asked;
  const Password password = read_password([&](std::span<uint8_t> out) {
    asked.push_back(out.size());
    std::ranges::fill(out, uint8_t{255});
    std::ranges::fill(out.first(31), uint8_t{0});
    if (out.size() > 64) out.back() = 1;
  });
  EXPECT_EQ(password.view(), std::string(31, 'A') + 'B');
  EXPECT_THAT(asked, testing::ElementsAre(64U, Hkdf::kMaxBytes));
}

TEST(ReadPasswordDeathTest, GivesUpAtTheEndOfTheStream) {
  const auto give_up = [] {
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    read_password([](std::span<uint8_t> out) { std::ranges::fill(out, uint8_t{255}); });
  };
  EXPECT_EXIT(give_up(), testing::KilledBySignal(SIGABRT), "");
}

TEST(Key, MadeFromTheSource) { EXPECT_EQ(make_key(count_up).reveal(), kKeyText); }

TEST(Key, MadeAnewEachTime) { EXPECT_NE(make_key().reveal(), make_key().reveal()); }

TEST(Key, RoundTrip) {
  EXPECT_TRUE(rc::check([] {
    const auto bytes =
        *rc::gen::container<std::string>(kPasswordLength, rc::gen::arbitrary<char>());
    const Secret text =
        make_key([&](std::span<uint8_t> out) { std::ranges::copy(bytes, out.begin()); });
    const auto key = parse_key(text.reveal());
    RC_ASSERT(key.ok());
    RC_ASSERT(key->reveal() == bytes);
  }));
}

TEST(Key, WhiteSpaceAtItsEndsIsIgnored) {
  for (const std::string& text :
       {kKeyText + "\n", kKeyText + "\r\n", "  " + kKeyText + "\t", "\n\n" + kKeyText + " \n\n"}) {
    const auto key = parse_key(text);
    ASSERT_TRUE(key) << text;
    EXPECT_EQ(key->reveal(), key_bytes());
  }
}

struct BadKey {
  std::string text, message;
};

std::vector<BadKey> bad_keys() {
  const std::string digits(kKeyDigits), prefix(kPrefix);
  const std::string empty = "the master key is empty";
  const std::string foreign = "this is no master key: it does not begin with \"cnpg-dbm-key-v1:\"";
  const std::string damaged = "the master key is damaged: it is not one line of base64";
  const auto sized = [](int size) {
    return fmt::format("the master key is damaged: it has {} bytes instead of 32", size);
  };
  return {
      {"", empty},
      {" \r\n\t", empty},
      {digits, foreign},
      {"cnpg-dbm-key-v2:" + digits, foreign},
      {"CNPG-DBM-KEY-V1:" + digits, foreign},
      {"cnpg-dbm-key-v1" + digits, foreign},
      {"key=" + kKeyText, foreign},
      {prefix + ' ' + digits, damaged},
      {prefix + digits.substr(0, 20) + '\n' + digits.substr(20), damaged},
      {prefix + digits.substr(1), damaged},
      {prefix + digits.substr(0, 43), damaged},
      {prefix + digits + '=', damaged},
      {prefix + digits.substr(0, 42) + "9=", damaged},
      {kKeyText + '\n' + kKeyText, damaged},
      {prefix + std::string("\0\0\0\0", 4), damaged},
      {prefix, sized(0)},
      {prefix + digits.substr(0, 40), sized(30)},
      {prefix + digits.substr(0, 40) + "Hg==", sized(31)},
      {prefix + digits.substr(0, 40) + "Hh8g", sized(33)},
      {prefix + digits.substr(0, 40) + digits, sized(62)},
  };
}

TEST(Key, RefusedKeysSayWhy) {
  for (const BadKey& bad : bad_keys()) {
    const auto key = parse_key(bad.text);
    ASSERT_FALSE(key) << bad.text;
    EXPECT_EQ(key.error().message, bad.message) << bad.text;
    EXPECT_EQ(key.error().hint, "make one with: cnpg-dbm keygen > FILE; chmod 600 FILE");
  }
}

/// True when the error repeats some 6 characters of the text, other than the well-known prefix.
bool tells(const Error& error, std::string_view text) {
  constexpr size_t kPiece = 6;
  for (size_t i = 0; i + kPiece <= text.size(); ++i) {
    const std::string_view piece = text.substr(i, kPiece);
    if (kPrefix.find(piece) == kPrefix.npos &&
        (error.message + error.hint).find(piece) != std::string::npos)
      return true;
  }
  return false;
}

TEST(Key, ErrorsNeverTellTheKey) {
  ASSERT_TRUE(tells(Error{"bad: " + kKeyText, {}}, kKeyText));
  for (const BadKey& bad : bad_keys()) {
    const auto key = parse_key(bad.text);
    ASSERT_FALSE(key);
    EXPECT_FALSE(tells(key.error(), bad.text)) << bad.text;
  }
  EXPECT_TRUE(rc::check([] {
    const std::string text(make_key().reveal());
    std::string damaged = text;
    const auto at = *rc::gen::inRange<size_t>(0, text.size());
    damaged.replace(at, *rc::gen::inRange<size_t>(0, 4), *rc::gen::arbitrary<std::string>());
    const auto key = parse_key(damaged);
    if (!key) RC_ASSERT(!tells(key.error(), text));
  }));
}

/// An empty folder of its own, removed at the end.
class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "dbm-key-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(std::string_view name = "key") const { return folder_ / name; }
  std::string write(std::string_view text, mode_t mode) const {
    std::filesystem::remove(path());
    std::ofstream(path()) << text;
    EXPECT_EQ(chmod(path().c_str(), mode), 0);
    return path();
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(KeyFile, OfItsOwnerOnlyIsRead) {
  for (const mode_t mode : {0400U, 0600U, 0700U}) {
    const auto key = read_key_file(write(kKeyText + "\n", mode));
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->reveal(), key_bytes());
  }
}

TEST_F(KeyFile, OfOthersTooIsRefused) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0666U, 0777U}) {
    const auto key = read_key_file(write(kKeyText, mode));
    ASSERT_FALSE(key) << mode;
    EXPECT_EQ(key.error().message,
              fmt::format("{}: the key file can be used by others than its owner (mode {:04o})",
                          path(), mode));
    EXPECT_EQ(key.error().hint,
              fmt::format("chmod 600 '{}', or defaultMode: 0400 for a Secret in a Pod", path()));
  }
}

TEST_F(KeyFile, BehindALinkIsTheSame) {
  std::filesystem::create_symlink("key", path("link"));
  write(kKeyText, 0600);
  EXPECT_TRUE(read_key_file(path("link")));
  write(kKeyText, 0644);
  EXPECT_FALSE(read_key_file(path("link")));
}

TEST_F(KeyFile, MissingIsSaid) {
  const auto key = read_key_file(path("none"));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message,
            path("none") + ": cannot open the key file: No such file or directory");
}

TEST_F(KeyFile, FolderIsSaid) {
  std::filesystem::create_directory(path());
  const auto key = read_key_file(path());
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message, path() + ": cannot read the key file: Is a directory");
}

TEST_F(KeyFile, BadContentIsSaidWithThePath) {
  for (const BadKey& bad : bad_keys()) {
    const auto key = read_key_file(write(bad.text, 0600));
    ASSERT_FALSE(key) << bad.text;
    EXPECT_EQ(key.error().message, path() + ": " + bad.message);
    EXPECT_THAT(key.error().message + key.error().hint, Not(HasSubstr(kKeyDigits.substr(0, 20))));
  }
}

TEST_F(KeyFile, FarTooLongIsRefused) {
  EXPECT_FALSE(read_key_file(write(std::string(kPrefix) + std::string(1'000'000, 'A'), 0600)));
  // A good key in front does not make it one.
  EXPECT_FALSE(read_key_file(write(kKeyText + "\n" + std::string(1'000'000, 'A'), 0600)));
}

TEST(KeyPipe, IsReadWhateverItsMode) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(fchmod(ends[0], 0666), 0);
  ASSERT_EQ(write(ends[1], kKeyText.data(), kKeyText.size()),
            static_cast<ssize_t>(kKeyText.size()));
  close(ends[1]);
  const auto key = read_key_file(fmt::format("/dev/fd/{}", ends[0]));
  close(ends[0]);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->reveal(), key_bytes());
}

}  // namespace
}  // namespace dbm::secrets
