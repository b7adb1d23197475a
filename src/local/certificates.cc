#include "local/certificates.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

#include <fmt/format.h>

#include "base/files.h"

namespace dbm::local {
namespace {

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Bio = std::unique_ptr<BIO, Free>;

constexpr long kDay = 24 * 60 * 60;
constexpr long kLifeOfCa = 3650 * kDay, kLife = 365 * kDay, kRenewBefore = 30 * kDay;

Error openssl_error(std::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_get_error());
  return {fmt::format("cannot {}: {}", what, reason != nullptr ? reason : "OpenSSL says no"), ""};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

Certificate read_certificate(const std::string& path) {
  const std::string text = text_or_empty(path);
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Key read_key(const std::string& path) {
  std::string text = text_or_empty(path);
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  OPENSSL_cleanse(text.data(), text.size());
  return key;
}

bool is_current(const X509* certificate) {
  time_t later = time(nullptr) + kRenewBefore;
  return certificate != nullptr && X509_cmp_time(X509_get0_notAfter(certificate), &later) > 0;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool good = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return good;
}

struct Subject {
  std::string name;
  bool authority = false;
  std::string alternative_names = {};  // "DNS:localhost,IP:127.0.0.1"
};

/// A new certificate for `key`, signed by the issuer (itself when there is none).
Certificate issue(const Subject& subject, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate out(X509_new());
  X509* x = out.get();
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  serial[0] &= 0x7F;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
  BN_free(number);
  X509_set_version(x, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(x), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(x), subject.authority ? kLifeOfCa : kLife);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.name.c_str()), -1, -1, 0);
  X509* by = issuer != nullptr ? issuer : x;
  X509_set_issuer_name(x, X509_get_subject_name(by));
  bool good = add_extension(x, by, NID_basic_constraints,
                            subject.authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
              add_extension(x, by, NID_key_usage,
                            subject.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
              add_extension(x, by, NID_subject_key_identifier, "hash");
  if (!subject.authority)
    good = good && add_extension(x, by, NID_ext_key_usage,
                                 subject.alternative_names.empty() ? "clientAuth" : "serverAuth");
  if (!subject.alternative_names.empty())
    good = good && add_extension(x, by, NID_subject_alt_name, subject.alternative_names);
  good = good && X509_sign(x, issuer_key != nullptr ? issuer_key : key, EVP_sha256()) > 0;
  return good ? std::move(out) : nullptr;
}

Status save(const Certificates& files, std::string_view name, X509* certificate, EVP_PKEY* key) {
  const Bio crt(BIO_new(BIO_s_mem())), pem(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(crt.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_error("write a certificate");
  std::string text = text_of(pem.get());
  auto written = write_atomically(files.key(name), text, 0600);
  OPENSSL_cleanse(text.data(), text.size());
  if (!written) return written;
  return write_atomically(files.certificate(name), text_of(crt.get()), 0644);
}

/// A certificate and the key that belongs to it, as they are in the folder; either may be null.
struct Pair {
  Certificate certificate;
  Key key;
  bool is_whole() const {
    return certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  }
};

Pair read_pair(const Certificates& files, std::string_view name) {
  return {read_certificate(files.certificate(name)), read_key(files.key(name))};
}

/// True when nothing need be made for the subject: the halves belong together, last, and are signed by
/// the issuer (none: by themselves).
bool is_good(const Certificates& files, const Subject& subject, const Pair& pair, const Pair* issuer) {
  if (!pair.is_whole() || !is_current(pair.certificate.get())) return false;
  if (X509_verify(pair.certificate.get(), issuer != nullptr ? issuer->key.get() : pair.key.get()) != 1) return false;
  return subject.alternative_names.empty() || text_or_empty(files.folder / "names") == subject.alternative_names;
}

/// Makes and saves the certificate `name` where there is none that is good. True when it did.
Result<bool> complete_one(const Certificates& files, const Subject& subject, std::string_view name) {
  Pair issuer;
  if (!subject.authority) {
    issuer = read_pair(files, "ca");
    if (!issuer.is_whole()) return openssl_error("read the authority's certificate");
  }
  const bool good = is_good(files, subject, read_pair(files, name), subject.authority ? nullptr : &issuer);
  ERR_clear_error();
  if (good) return false;
  const Key key(EVP_EC_gen("P-256"));
  const Certificate made = key ? issue(subject, key.get(), issuer.certificate.get(), issuer.key.get()) : nullptr;
  if (!made) return openssl_error("make a certificate");
  if (auto saved = save(files, name, made.get(), key.get()); !saved) return std::move(saved).error();
  if (!subject.alternative_names.empty())
    if (auto saved = write_atomically(files.folder / "names", subject.alternative_names, 0600); !saved)
      return std::move(saved).error();
  return true;
}

}  // namespace

Result<bool> Certificates::complete(std::span<const std::string> addresses,
                                    std::span<const std::string> clients) const {
  if (auto made = make_folders(folder); !made) return std::move(made).error();
  auto changed = complete_one(*this, {.name = "cnpg-dbm", .authority = true}, "ca");
  if (!changed) return changed;
  std::string names = "DNS:localhost";
  for (const std::string& address : addresses) names += ",IP:" + address;
  auto server = complete_one(*this, {.name = "localhost", .alternative_names = names}, "server");
  if (!server) return server;
  bool any = *changed || *server;
  for (const std::string& client : clients) {
    auto made = complete_one(*this, {.name = client}, client);
    if (!made) return made;
    any |= *made;
  }
  return any;
}

}  // namespace dbm::local
