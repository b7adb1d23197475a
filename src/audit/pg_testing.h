#pragma once

// For the pgtests of this module: a server of one's own whose pg_hba.conf is written anew and anew.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sql/testing.h"

namespace dbm::audit::testing {

/// Threads: one at a time.
class HbaServer {
 public:
  /// Aborts the test when there can be no server.
  HbaServer() : server_(start()), admin_(sql::testing::open(target())) {}

  sql::Connection& admin() { return admin_; }
  sql::Target target() const { return sql::testing::target_of(*server_); }
  sql::Target as(std::string role, std::string password, std::string database) const {
    sql::Target out = target();
    out.user = std::move(role);
    out.password = secrets::Secret(std::move(password));
    out.database = std::move(database);
    return out;
  }

  void must(const std::string& sql) {
    const auto answer = admin_.run(sql);
    ASSERT_TRUE(answer) << sql << ": " << answer.failure().message;
  }

  /// Speaks TLS from now on, with a certificate of its own that nobody need believe.
  void speak_tls() {
    const std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* k) { EVP_PKEY_free(k); })> key(
        EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, decltype([](X509* c) { X509_free(c); })> certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    write("server.crt", [&](FILE* file) { PEM_write_X509(file, certificate.get()); });
    write("server.key", [&](FILE* file) {
      PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    must("ALTER SYSTEM SET ssl = on");
  }

  /// The admin comes in as ever; the rest is the test's.
  void load(const std::vector<std::string>& lines) {
    std::ofstream file(server_->folder() / "data/pg_hba.conf", std::ios::trunc);
    file << "host postgres postgres 127.0.0.1/32 scram-sha-256\n# the rest\n";
    for (const std::string& text : lines) file << text << '\n';
    file.close();
    // The server tells its backends before it reads the file, and takes new connections after that.
    const std::string before = loaded();
    sql::testing::value(admin_, "SELECT pg_reload_conf()");
    while (loaded() == before) {
    }
  }

 private:
  static std::unique_ptr<dbm::testing::PgServer> start() {
    auto started = dbm::testing::PgServer::start();
    if (!started) {
      ADD_FAILURE() << started.error().message;
      std::abort();
    }
    return std::move(*started);
  }
  /// A private file of the server's in its data folder.
  template <class Fill>
  void write(const char* name, const Fill& fill) const {
    const auto folder = server_->folder() / "data";
    FILE* file = fopen((folder / name).c_str(), "w");
    ASSERT_NE(file, nullptr);
    struct stat owner {};
    ASSERT_EQ(stat(folder.c_str(), &owner), 0);
    ASSERT_EQ(fchown(fileno(file), owner.st_uid, owner.st_gid), 0);
    ASSERT_EQ(fchmod(fileno(file), 0600), 0);
    fill(file);
    fclose(file);
  }
  std::string loaded() { return sql::testing::value(admin_, "SELECT pg_conf_load_time()"); }

  std::unique_ptr<dbm::testing::PgServer> server_;
  sql::Connection admin_;
};

}  // namespace dbm::audit::testing
