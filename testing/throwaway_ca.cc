#include "testing/throwaway_ca.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace dbm::testing {
namespace {

constexpr long kLifeSeconds = 60 * 60;

void require(bool good) {
  if (!good) std::abort();
}

void add_extension(X509* to, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  require(extension != nullptr && X509_add_ext(to, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::shared_ptr<EVP_PKEY> new_key() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  require(key != nullptr);
  return key;
}

/// Not signed yet. `issuer`: null for the authority itself.
std::shared_ptr<X509> new_certificate(const char* name, long serial, EVP_PKEY* key, X509* issuer) {
  std::shared_ptr<X509> out(X509_new(), X509_free);
  require(out != nullptr);
  X509_set_version(out.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -kLifeSeconds);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), kLifeSeconds);
  X509_set_pubkey(out.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(out.get(), X509_get_subject_name(issuer != nullptr ? issuer : out.get()));
  return out;
}

}  // namespace

ThrowawayCa::ThrowawayCa(const char* name) : key_(new_key()) {
  self_ = new_certificate(name, 1, key_.get(), nullptr);
  add_extension(self_.get(), NID_basic_constraints, "critical,CA:TRUE");
  require(X509_sign(self_.get(), key_.get(), EVP_sha256()) > 0);
  BIO* memory = BIO_new(BIO_s_mem());
  require(PEM_write_bio_X509(memory, self_.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  pem_.assign(text, static_cast<size_t>(size));
  BIO_free(memory);
}

std::shared_ptr<SSL_CTX> ThrowawayCa::server(const std::string& names) const {
  const auto key = new_key();
  const auto certificate = new_certificate("throwaway server", 2, key.get(), self_.get());
  add_extension(certificate.get(), NID_subject_alt_name, names);
  require(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0);
  std::shared_ptr<SSL_CTX> out(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  require(out != nullptr && SSL_CTX_use_certificate(out.get(), certificate.get()) == 1 &&
          SSL_CTX_use_PrivateKey(out.get(), key.get()) == 1);
  return out;
}

}  // namespace dbm::testing
