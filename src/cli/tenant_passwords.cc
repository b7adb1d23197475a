#include "cli/tenant_passwords.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "cli/io.h"
#include "release/passwords.h"
#include "yaml/reader.h"

namespace dbm::cli {
namespace {

using Known = std::map<std::string, secrets::Secret, std::less<>>;

/// The passwords of one cluster.
Result<bool> read_passwords(const std::string& path, std::string_view cluster, Known& out) {
  auto text = read_secret_file(path);
  if (!text) return std::move(text).error();
  const Error malformed{path + " is not of the form {\"cluster\": {\"role\": \"password\"}}", {}};
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;  // would quote a line of the file: never shown
  const uint16_t source = sources.add(path, std::string(text->reveal()));
  const auto tree = yaml::read(arena, sources, source, diagnostics);
  if (!tree || diagnostics.has_errors() || !tree->is_map()) return malformed;
  const yaml::Value* roles = tree->find(cluster);
  if (roles == nullptr) return true;
  if (!roles->is_map()) return malformed;
  for (const yaml::Member& member : roles->members()) {
    if (!member.value.is_scalar()) return malformed;
    out.insert_or_assign(std::string(member.key),
                         secrets::Secret(std::string(member.value.text())));
  }
  return true;
}

}  // namespace

Result<secrets::Secret> read_secret_file(const std::string& path) {
  struct stat status {};
  if (path != "-" && stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
      (status.st_mode & 077) != 0)
    return Error{path + " may be read by others", "chmod 600 " + path};
  auto text = read_file(path);
  if (!text) return std::move(text).error().about("cannot read " + path);
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return secrets::Secret(std::move(*text));
}

Result<TenantPasswords> TenantPasswords::make(const PasswordFlags& key,
                                              const std::string& passwords_file,
                                              const render::ClusterPlan& plan,
                                              std::string_view ns) {
  TenantPasswords out;
  if (!key.key_file.empty()) {
    const auto derived = release::Passwords::make(key.key_file, {&plan, 1}, ns);
    if (!derived) return derived.error();
    for (size_t i = 0; i < plan.roles.size() && !derived->generated(); ++i) {
      const spec::ClusterRole& role = plan.roles[i];
      const std::string_view password = derived->of(*plan.cluster, i);
      const bool is_ours = role.has_password && role.existing_secret.data() == nullptr;
      if (is_ours && !password.empty())
        out.known_.insert_or_assign(std::string(role.name), secrets::Secret(std::string(password)));
    }
  }
  if (!passwords_file.empty())
    if (auto read = read_passwords(passwords_file, plan.cluster->name, out.known_); !read)
      return std::move(read).error();
  return out;
}

const secrets::Secret* TenantPasswords::of(std::string_view role) const {
  const auto found = known_.find(role);
  return found != known_.end() ? &found->second : nullptr;
}

}  // namespace dbm::cli
