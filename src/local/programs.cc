#include "local/programs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "local/process.h"

namespace dbm::local {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> path_folders() {
  std::vector<fs::path> out;
  std::string_view path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    if (end > 0) out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

bool has_programs(const fs::path& folder) {
  return std::ranges::all_of(std::array{"postgres", "initdb", "pg_basebackup", "psql"}, [&](auto name) {
    return access((folder / name).c_str(), X_OK) == 0;
  });
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
  return fs::exists(lib / "postgresql") ? lib / "postgresql" : lib;
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

std::vector<Postgres> find_postgres(const std::string& extra) {
  std::vector<fs::path> folders;
  if (!extra.empty()) folders.insert(folders.end(), {fs::path(extra), fs::path(extra) / "bin"});
  for (fs::path& folder : path_folders()) folders.push_back(std::move(folder));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    folders.push_back(entry.path() / "bin");
  std::vector<Postgres> found;
  for (const fs::path& folder : folders) {
    if (!has_programs(folder)) continue;
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
