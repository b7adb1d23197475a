#include "local/connection_files.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/files.h"
#include "local/folders.h"
#include "secrets/connection.h"
#include "spec/names.h"
#include "yaml/writer.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;
using secrets::Secret;

std::string query_of(const std::string& ca) {
  std::string out = "?sslmode=verify-full&sslrootcert=";
  secrets::append_percent_encoded(out, ca);
  return out;
}

std::string jdbc_of(const Way& way, const std::string& ca, bool with_password) {
  std::string out = fmt::format("jdbc:postgresql://{}:{}/", way.host, way.port);
  secrets::append_percent_encoded(out, way.database);
  out += query_of(ca);
  if (!with_password) return out;
  out += "&user=";
  secrets::append_percent_encoded(out, way.role);
  out += "&password=";
  secrets::append_percent_encoded(out, way.password.reveal());
  return out;
}

/// A value of a .env file that shells and dotenv libraries read alike.
std::string env_value(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\'";
    out += c;
  }
  return out + "'";
}

using Keys = std::vector<std::pair<std::string, std::string>>;

/// What the connection Secret would hold, with local hosts.
Keys secret_keys(const Way& way, const std::vector<const Way*>& poolers, const std::string& ca) {
  Keys out = {{"username", way.role},
              {"user", way.role},
              {"password", std::string(way.password.reveal())},
              {"dbname", way.database},
              {"database", way.database},
              {"host", way.host},
              {"port", std::to_string(way.port)},
              {"uri", std::string(uri_of(way, ca).reveal())},
              {"jdbc-uri", jdbc_of(way, ca, true)},
              {"jdbc-url", jdbc_of(way, ca, false)},
              {"sslrootcert", ca}};
  for (const Way* pooler : poolers) {
    out.emplace_back(fmt::format("pooler-{}-host", pooler->pooler), pooler->host);
    out.emplace_back(fmt::format("pooler-{}-port", pooler->pooler), std::to_string(pooler->port));
    out.emplace_back(fmt::format("pooler-{}-uri", pooler->pooler), std::string(uri_of(*pooler, ca).reveal()));
  }
  return out;
}

std::string env_text(const Way& way, const std::vector<const Way*>& poolers, const std::string& ca) {
  const Keys keys = {{"DATABASE_URL", std::string(uri_of(way, ca).reveal())},
                     {"JDBC_URL", jdbc_of(way, ca, true)},
                     {"PGHOST", way.host},
                     {"PGPORT", std::to_string(way.port)},
                     {"PGDATABASE", way.database},
                     {"PGUSER", way.role},
                     {"PGPASSWORD", std::string(way.password.reveal())},
                     {"PGSSLMODE", "verify-full"},
                     {"PGSSLROOTCERT", ca}};
  std::string out;
  for (const auto& [name, value] : keys) out += fmt::format("{}={}\n", name, env_value(value));
  for (const Way* pooler : poolers) {
    std::string name = spec::sanitize(pooler->pooler);
    for (char& c : name) c = c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(c));
    out += fmt::format("DATABASE_URL_{}={}\n", name, env_value(uri_of(*pooler, ca).reveal()));
  }
  return out;
}

std::string json_text(const Keys& keys) {
  std::string out = "{";
  for (const auto& [name, value] : keys) {
    out += out.size() == 1 ? "\n  " : ",\n  ";
    yaml::write_json_string(out, name);
    out += ": ";
    yaml::write_json_string(out, value);
  }
  return out + "\n}\n";
}

std::string service_text(const std::string& service, const Way& way, const std::string& ca) {
  return fmt::format(
      "[{}]\nhost={}\nport={}\ndbname={}\nuser={}\npassword={}\nsslmode=verify-full\nsslrootcert={}\n\n",
      service, way.host, way.port, way.database, way.role, way.password.reveal(), ca);
}

std::string fingerprint_of(const std::map<std::string, std::string>& files) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  for (const auto& [name, text] : files) {
    EVP_DigestUpdate(context, name.data(), name.size() + 1);
    EVP_DigestUpdate(context, text.data(), text.size());
  }
  std::array<unsigned char, 32> digest;
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  EVP_MD_CTX_free(context);
  std::string out;
  for (size_t i = 0; i < 16; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

}  // namespace

std::string connection_name(std::string_view database, std::string_view user, std::string_view pooler) {
  std::string out = spec::sanitize(database);
  if (!user.empty()) out += "@" + spec::sanitize(user);
  if (!pooler.empty()) out += fmt::format(":{}", pooler);
  return out;
}

Secret uri_of(const Way& way, const std::string& ca) {
  std::string out = "postgresql://";
  out.reserve(512);
  secrets::append_percent_encoded(out, way.role);
  out += ':';
  secrets::append_percent_encoded(out, way.password.reveal());
  out += fmt::format("@{}:{}/", way.host, way.port);
  secrets::append_percent_encoded(out, way.database);
  out += query_of(ca);
  return Secret(std::move(out));
}

std::string uri_without_password(const Way& way) {
  std::string out = "postgresql://";
  secrets::append_percent_encoded(out, way.role);
  out += fmt::format("@{}:{}/", way.host, way.port);
  secrets::append_percent_encoded(out, way.database);
  return out;
}

std::vector<Way> ways_into(const Ways& ways, const render::ClusterPlan& plan) {
  const spec::Cluster& c = *plan.cluster;
  std::vector<Way> out;
  const auto add = [&](const spec::Database& db, spec::Text role, bool is_owner) {
    const RolePassword* password = ways.passwords->find(c.name, role);
    Way way{.cluster = std::string(c.name), .database = std::string(db.name), .role = std::string(role),
            .pooler = {}, .host = "127.0.0.1", .port = ways.port, .file = {},
            .password = password != nullptr ? password->password : Secret()};
    way.file = (ways.layout->connections(c.name) / (connection_name(db.name, is_owner ? "" : role, "") + ".env")).string();
    out.push_back(way);
    for (const spec::Pooler& pooler : c.poolers) {
      const auto port = ways.poolers->find(std::string(pooler.name));
      if (port == ways.poolers->end()) continue;
      way.pooler = pooler.name;
      way.port = port->second;
      out.push_back(way);
    }
  };
  for (const spec::Database& db : c.databases) {
    if (db.ensure == spec::Ensure::kAbsent) continue;
    add(db, db.owner, true);
    for (const spec::User& user : db.users) add(db, user.name, false);
  }
  return out;
}

Result<bool> write_connection_files(const Ways& ways, const render::ClusterPlan& plan,
                                    std::string& fingerprint) {
  const spec::Cluster& c = *plan.cluster;
  std::map<std::string, std::string> files;
  const std::vector<Way> all = ways_into(ways, plan);
  std::string services;
  for (size_t i = 0; i < all.size();) {
    const Way& way = all[i++];
    std::vector<const Way*> poolers;
    while (i < all.size() && !all[i].pooler.empty()) poolers.push_back(&all[i++]);
    const std::string stem = fs::path(way.file).stem();
    files[stem + ".env"] = env_text(way, poolers, ways.ca);
    files[stem + ".json"] = json_text(secret_keys(way, poolers, ways.ca));
    services += service_text(stem, way, ways.ca);
    for (const Way* pooler : poolers)
      services += service_text(fmt::format("{}:{}", stem, pooler->pooler), *pooler, ways.ca);
  }
  if (!services.empty()) files["pg_service.conf"] = services;

  const fs::path folder = ways.layout->connections(c.name);
  const std::string now = fingerprint_of(files);
  const std::vector<fs::path> there = files_in(folder);
  if (now == fingerprint && there.size() == files.size()) return false;
  if (auto made = make_folders(folder); !made) return std::move(made).error();
  std::error_code error;
  for (const fs::path& path : there)
    if (!files.contains(path.filename())) fs::remove(path, error);
  for (auto& [name, text] : files) {
    auto written = write_if_changed(folder / name, text, 0600);
    secrets::wipe(text);
    if (!written) return std::move(written).error();
  }
  fingerprint = now;
  return true;
}

}  // namespace dbm::local
