#include "secrets/scram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "secrets/base64.h"

namespace dbm::secrets {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string text_of(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

std::string hmac(std::string_view key, std::string_view text) {
  std::array<uint8_t, 32> out;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text).data(), text.size(),
       out.data(), nullptr);
  return text_of(out);
}

// RFC 7677's example. StoredKey and ServerKey are not in the RFC; computed with Python's
// hashlib.pbkdf2_hmac and hmac, as all constants here.
constexpr std::string_view kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";
constexpr std::string_view kStoredKey = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=";
constexpr std::string_view kServerKey = "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
constexpr std::string_view kVerifier =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

TEST(Scram, Rfc7677) {
  EXPECT_EQ(scram_verifier("pencil", bytes_of(*decode_base64(kSalt)), 4096), kVerifier);
  EXPECT_EQ(scram_verifier("pencil", bytes_of(*decode_base64(kSalt))), kVerifier);
}

// The keys above fit the proof and the signature that the RFC prints (RFC 5802, 3).
TEST(Scram, Rfc7677ProofAndSignature) {
  constexpr std::string_view kAuthMessage =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const std::string stored_key = *decode_base64(kStoredKey);
  std::string client_key = *decode_base64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");  // p=
  std::ranges::transform(client_key, hmac(stored_key, kAuthMessage), client_key.begin(),
                         [](char a, char b) { return static_cast<char>(a ^ b); });
  std::array<uint8_t, 32> digest;
  SHA256(bytes_of(client_key).data(), client_key.size(), digest.data());
  EXPECT_EQ(text_of(digest), stored_key);
  EXPECT_EQ(hmac(*decode_base64(kServerKey), kAuthMessage),
            decode_base64("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));  // v=
}

TEST(Scram, OtherVectors) {
  std::array<uint8_t, 16> salt;
  for (size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(
      scram_verifier("correct horse battery staple", salt),
      "SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$ONYbSJBXtKl6bP6PVqw8pm9e7EiacprLnoUQPFS80Hw="
      ":IPOtHuGJ2HifEQg74W2XXqqCrCyQG55GbPRHa6g6n9w=");
  EXPECT_EQ(scram_verifier("pencil", bytes_of("salt"), 1),
            "SCRAM-SHA-256$1:c2FsdA==$Otk5kdnAo/6UDUcm0KaO+uESed84FVLF7Qg4N9v1MRA="
            ":Uc4DDcQRN5WJ44eNiyKPEO+MJvVo84Ucr4WI9nixz60=");
  EXPECT_EQ(scram_verifier("", std::span<const uint8_t>(), 1),
            "SCRAM-SHA-256$1:$xZjqN0rkqYiFAnxRcfLirtKRfc+Jk0SF6r7Y1mub9Ag="
            ":nduB3QTeFBQgD4BlTza+fzISvYAySL1DuU4BRwK+sUc=");
}

TEST(Scram, SaltComesFromTheSource) {
  const ByteSource counting = [](std::span<uint8_t> out) {
    EXPECT_EQ(out.size(), 16U);
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(i);
  };
  EXPECT_EQ(
      scram_verifier("correct horse battery staple", counting),
      "SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$ONYbSJBXtKl6bP6PVqw8pm9e7EiacprLnoUQPFS80Hw="
      ":IPOtHuGJ2HifEQg74W2XXqqCrCyQG55GbPRHa6g6n9w=");
}

TEST(Scram, FreshSaltEachTime) {
  const std::string one = scram_verifier("pencil"), two = scram_verifier("pencil");
  EXPECT_NE(one, two);
  EXPECT_TRUE(scram_verify("pencil", one));
  EXPECT_TRUE(scram_verify("pencil", two));
  EXPECT_THAT(one, testing::Not(testing::HasSubstr("pencil")));
}

TEST(Scram, VerifyAccepts) { EXPECT_TRUE(scram_verify("pencil", kVerifier)); }

TEST(Scram, VerifyRefusesOtherPasswords) {
  for (const std::string_view password : {"", "pencils", "penci", "Pencil", " pencil", "pencil\n"})
    EXPECT_FALSE(scram_verify(password, kVerifier)) << password;
}

TEST(Scram, VerifyRefusesWhatIsNoVerifier) {
  const std::string keys = std::string(kStoredKey) + ":" + std::string(kServerKey);
  for (const std::string& text : std::initializer_list<std::string>{
           "",
           "pencil",
           "SCRAM-SHA-256",
           "SCRAM-SHA-256$",
           "SCRAM-SHA-256$4096",
           "SCRAM-SHA-256$:$:",
           "SCRAM-SHA-256$4096:",
           "SCRAM-SHA-256$4096:$",
           "SCRAM-SHA-256$4096$" + keys,
           "md5a3556571e93b0d20722ba62be61e8c2d",
           "scram-sha-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$-1:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$+4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$04096:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$4096 :W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$4097:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$99999999999:W22ZaJ0SNY7soEsUEjb6gQ==$" + keys,
           "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ$" + keys,
           "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gA==$" + keys,
           "SCRAM-SHA-256$4096:!!!!$" + keys,
           std::string(kVerifier) + "\n",
           std::string(kVerifier) + "=",
           " " + std::string(kVerifier),
           std::string(kVerifier.substr(0, kVerifier.size() - 1))})
    EXPECT_FALSE(scram_verify("pencil", text)) << text;
}

// Few iterations: what is true of them is true of many.
TEST(Scram, VerifyIsRightForAll) {
  EXPECT_TRUE(rc::check([](const std::string& password, const std::vector<uint8_t>& salt) {
    const int iterations = *rc::gen::inRange(1, 20);
    const std::string verifier = scram_verifier(password, salt, iterations);
    RC_ASSERT(scram_verify(password, verifier));
    RC_ASSERT(!scram_verify(password + "x", verifier));
  }));
}

TEST(Scram, VerifyRefusesAnyChangedCharacter) {
  const std::string verifier = scram_verifier("pencil", bytes_of("salt"), 3);
  for (size_t i = 0; i < verifier.size(); ++i) {
    std::string changed = verifier;
    changed[i] = changed[i] == '5' ? '6' : '5';
    EXPECT_FALSE(scram_verify("pencil", changed)) << changed;
  }
}

}  // namespace
}  // namespace dbm::secrets
