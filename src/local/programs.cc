#include "local/programs.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "local/folders.h"
#include "local/process.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;

/// Those of the PATH; a relative one would be another folder for each caller, and does not count.
std::vector<fs::path> path_folders() {
  std::vector<fs::path> out;
  std::string_view path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    if (path.starts_with('/')) out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

/// What an installation's folder lacks, for a message; empty when it has all that we start.
std::string missing_in(const fs::path& folder) {
  std::string out;
  for (const char* name : {"postgres", "initdb", "pg_basebackup", "pg_controldata", "psql"})
    if (access((folder / name).c_str(), X_OK) != 0) out += fmt::format("{}{}", out.empty() ? "" : ", ", name);
  return out;
}

/// The major that a folder's own name tells (Debian: /usr/lib/postgresql/15/bin), else what the
/// program says.
int major_of(const fs::path& bin) {
  const std::string parent = bin.parent_path().filename();
  int major = 0;
  const auto [end, error] = std::from_chars(parent.data(), parent.data() + parent.size(), major);
  if (error == std::errc() && end == parent.data() + parent.size() && major >= 9) return major;
  const auto said = run({.words = {(bin / "postgres").string(), "--version"}});
  return said && said->good() ? version_in(said->output).major : 0;
}

Result<Tool> find_tool(std::string_view name, std::string_view argument) {
  std::vector<fs::path> folders = path_folders();
  folders.insert(folders.end(), {"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"});
  for (const fs::path& folder : folders) {
    const fs::path path = folder / name;
    if (access(path.c_str(), X_OK) != 0) continue;
    const auto said = run({.words = {path.string(), std::string(argument)}});
    if (said && said->good()) return Tool{path, version_in(said->output)};
  }
  return Error{fmt::format("there is no {} on this machine", name),
               fmt::format("apt-get install {}", name)};
}

}  // namespace

fs::path Postgres::libraries() const {
  const fs::path lib = bin.parent_path() / "lib";
  std::error_code error;
  return fs::exists(lib / "postgresql", error) ? lib / "postgresql" : lib;
}

Version version_in(std::string_view text) {
  const size_t digit = text.find_first_of("0123456789");
  Version out;
  if (digit == text.npos) return out;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data() + digit, end, out.major);
  if (parsed.ptr != end && *parsed.ptr == '.') std::from_chars(parsed.ptr + 1, end, out.minor);
  return out;
}

Result<std::vector<Postgres>> find_postgres(const fs::path& extra) {
  std::vector<fs::path> folders;
  if (!extra.empty()) {
    const fs::path bin = access((extra / "bin").c_str(), F_OK) == 0 ? extra / "bin" : extra;
    if (const std::string missing = missing_in(bin); !missing.empty())
      return Error{fmt::format("--pg-bin: {} has no {} that can be started", bin.string(), missing),
                   "give the folder of all of PostgreSQL's programs, such as /usr/lib/postgresql/15/bin"};
    if (major_of(bin) == 0)
      return Error{fmt::format("--pg-bin: {} does not tell its version", (bin / "postgres").string()), ""};
    folders.push_back(bin);
  }
  for (fs::path& folder : path_folders()) folders.push_back(std::move(folder));
  for (const fs::path& version : files_in("/usr/lib/postgresql")) folders.push_back(version / "bin");
  std::vector<Postgres> found;
  for (const fs::path& folder : folders) {
    if (!missing_in(folder).empty()) continue;
    const int major = major_of(folder);
    if (major > 0 && std::ranges::find(found, major, &Postgres::major) == found.end())
      found.push_back({major, folder});
  }
  std::ranges::sort(found, {}, &Postgres::major);
  return found;
}

const Postgres* choose(const std::vector<Postgres>& installed, int major) {
  const auto newer = std::ranges::lower_bound(installed, major, {}, &Postgres::major);
  if (newer != installed.end()) return &*newer;
  return installed.empty() ? nullptr : &installed.back();
}

Result<Tool> find_pgbouncer() { return find_tool("pgbouncer", "--version"); }
Result<Tool> find_pgbackrest() { return find_tool("pgbackrest", "version"); }

}  // namespace dbm::local
