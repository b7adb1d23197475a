#pragma once

// For tests: a folder of files, and an environment that is put back.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace dbm::kube::testing {

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "dbm-kube-XXXXXX") {
    std::string name = path_;
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return path_ / name; }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    chmod(file.c_str(), mode);
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// Variables of the environment, for the life of this object; no value: unset.
class Environment {
 public:
  Environment(std::vector<std::pair<std::string, std::optional<std::string>>> variables) {  // NOLINT
    for (const auto& [name, value] : variables) {
      const char* old = std::getenv(name.c_str());
      before_.emplace_back(name, old != nullptr ? std::optional<std::string>(old) : std::nullopt);
      set(name, value);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : before_) set(name, value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void set(const std::string& name, const std::optional<std::string>& value) {
    if (value) setenv(name.c_str(), value->c_str(), 1);
    else unsetenv(name.c_str());
  }
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

/// For Environment: no proxy between a test and its server.
inline std::vector<std::pair<std::string, std::optional<std::string>>> no_proxies() {
  std::vector<std::pair<std::string, std::optional<std::string>>> out;
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"})
    out.emplace_back(name, std::nullopt);
  return out;
}

inline const std::string kCertificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
inline const std::string kKey = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

}  // namespace dbm::kube::testing
