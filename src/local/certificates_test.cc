#include "local/certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>

#include "base/files.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kAddresses = {"127.0.0.1"}, kClients = {"a_client"};
const char* const kNames[] = {"ca", "server", "a_client"};

X509* certificate(const Certificates& tls, std::string_view name) {
  FILE* file = std::fopen(tls.certificate(name).c_str(), "r");
  X509* out = file != nullptr ? PEM_read_X509(file, nullptr, nullptr, nullptr) : nullptr;
  if (file != nullptr) std::fclose(file);
  return out;
}

EVP_PKEY* key(const Certificates& tls, std::string_view name) {
  FILE* file = std::fopen(tls.key(name).c_str(), "r");
  EVP_PKEY* out = file != nullptr ? PEM_read_PrivateKey(file, nullptr, nullptr, nullptr) : nullptr;
  if (file != nullptr) std::fclose(file);
  return out;
}

class CertificatesTest : public ::testing::Test {
 protected:
  CertificatesTest() : root_(::testing::TempDir() + "/dbm_tls_" + std::to_string(getpid())) { complete(tls_); }
  ~CertificatesTest() override { fs::remove_all(root_); }

  bool complete(const Certificates& tls) {
    const auto made = tls.complete(kAddresses, kClients);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made && *made;
  }
  /// All are of one pair with their keys, and signed by the authority.
  void expect_good() {
    EVP_PKEY* authority = key(tls_, "ca");
    for (const char* name : kNames) {
      X509* x = certificate(tls_, name);
      EVP_PKEY* k = key(tls_, name);
      ASSERT_TRUE(x != nullptr && k != nullptr) << name;
      EXPECT_EQ(X509_check_private_key(x, k), 1) << name;
      EXPECT_EQ(X509_verify(x, authority), 1) << name;
      X509_free(x);
      EVP_PKEY_free(k);
    }
    EVP_PKEY_free(authority);
    EXPECT_FALSE(complete(tls_));  // and so nothing is to do
  }
  std::string text(std::string_view name) { return text_or_empty(tls_.certificate(name)); }
  void copy(const std::string& from, const std::string& to) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  }
  /// The certificate as it would be had it been made so that it ends in so many days.
  void age(std::string_view name, int days) {
    X509* x = certificate(tls_, name);
    EVP_PKEY* authority = key(tls_, "ca");
    X509_gmtime_adj(X509_getm_notAfter(x), days * 24L * 60 * 60);
    X509_sign(x, authority, EVP_sha256());
    FILE* file = std::fopen(tls_.certificate(name).c_str(), "w");
    PEM_write_X509(file, x);
    std::fclose(file);
    X509_free(x);
    EVP_PKEY_free(authority);
  }

  fs::path root_;
  Certificates tls_{root_ / "a"}, other_{root_ / "b"};
};

TEST_F(CertificatesTest, AreMadeOnce) {
  expect_good();
  for (const char* name : kNames) EXPECT_EQ(fs::status(tls_.key(name)).permissions(), fs::perms(0600)) << name;
}

TEST_F(CertificatesTest, AreRenewedAMonthBeforeTheirEnd) {
  const std::string authority = text("ca");
  for (const char* name : {"server", "a_client"}) {
    age(name, 31);
    EXPECT_FALSE(complete(tls_)) << name;
    age(name, 29);
    EXPECT_TRUE(complete(tls_)) << name;
    expect_good();
  }
  EXPECT_EQ(text("ca"), authority);
  age("ca", 29);
  EXPECT_TRUE(complete(tls_));
  EXPECT_NE(text("ca"), authority);
  expect_good();
}

TEST_F(CertificatesTest, OfAForeignAuthorityAreMadeAnew) {
  complete(other_);
  for (const char* name : {"server", "a_client"}) {
    copy(other_.certificate(name), tls_.certificate(name));
    copy(other_.key(name), tls_.key(name));
    EXPECT_TRUE(complete(tls_)) << name;
    expect_good();
  }
  copy(other_.certificate("ca"), tls_.certificate("ca"));
  copy(other_.key("ca"), tls_.key("ca"));
  EXPECT_TRUE(complete(tls_));
  EXPECT_EQ(text("ca"), text_or_empty(other_.certificate("ca")));
  expect_good();
}

TEST_F(CertificatesTest, AMissingHalfIsMadeAnew) {
  for (const char* name : kNames)
    for (const std::string& file : {tls_.key(name), tls_.certificate(name)}) {
      ASSERT_TRUE(fs::remove(file));
      EXPECT_TRUE(complete(tls_)) << file;
      expect_good();
    }
}

TEST_F(CertificatesTest, HalvesThatDoNotBelongTogetherAreMadeAnew) {
  complete(other_);
  for (const char* name : kNames) {
    copy(other_.key(name), tls_.key(name));  // as a run that is killed between the two files leaves it
    EXPECT_TRUE(complete(tls_)) << name;
    expect_good();
    copy(other_.certificate(name), tls_.certificate(name));
    EXPECT_TRUE(complete(tls_)) << name;
    expect_good();
  }
}

TEST_F(CertificatesTest, NameTheAddressesThatAreAskedFor) {
  const std::vector<std::string> more = {"127.0.0.1", "127.0.0.2"};
  const auto made = tls_.complete(more, kClients);
  ASSERT_TRUE(made);
  EXPECT_TRUE(*made);
  X509* x = certificate(tls_, "server");
  EXPECT_EQ(X509_check_ip_asc(x, "127.0.0.2", 0), 1);
  EXPECT_EQ(X509_check_host(x, "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(x, "127.0.0.3", 0), 0);
  X509_free(x);
}

}  // namespace
}  // namespace dbm::local
