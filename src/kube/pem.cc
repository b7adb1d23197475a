#include "kube/pem.h"

namespace dbm::kube {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

std::optional<Error> certificate_problem(std::string_view pem) {
  if (has(pem, "-----BEGIN CERTIFICATE-----") || has(pem, "-----BEGIN TRUSTED CERTIFICATE-----"))
    return std::nullopt;
  return Error{"holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", {}};
}

std::optional<Error> key_problem(std::string_view pem) {
  if (has(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(pem, "Proc-Type: 4,ENCRYPTED"))
    return Error{"is encrypted with a passphrase, which nobody could type in",
                 "store it without one (openssl pkey -in KEY -out NEW), or use an exec plugin"};
  if (has(pem, "-----BEGIN ") && has(pem, "PRIVATE KEY-----")) return std::nullopt;
  return Error{"holds no private key in PEM (-----BEGIN PRIVATE KEY-----)", {}};
}

}  // namespace dbm::kube
