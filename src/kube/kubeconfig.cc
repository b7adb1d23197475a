#include "kube/kubeconfig.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "kube/pem.h"
#include "kube/url.h"
#include "secrets/base64.h"
#include "yaml/reader.h"
#include "yaml/writer.h"

namespace dbm::kube {
namespace {

namespace fs = std::filesystem;
using secrets::Secret;
using yaml::Value;

constexpr yaml::ReadLimits kLimits = {.bytes = 16u << 20, .expanded_nodes = 1'000'000};

/// One of the file's clusters, contexts or users.
struct Entry {
  std::string where;  // FILE:LINE: user "NAME"
  fs::path folder;    // that paths in it are relative to
  Value value;
};
using Entries = std::map<std::string, Entry, std::less<>>;

/// Reads the keys of a map. The first mistake goes to `failure`; what is read after it does not
/// matter.
class Keys {
 public:
  Keys(const Entry& entry, std::optional<Error>& failure) : entry_(entry), map_(entry.value), failure_(failure) {}
  Keys(const Keys& above, const Value& map, std::string_view key)
      : entry_(above.entry_), map_(map), prefix_(above.prefix_ + std::string(key) + "."), failure_(above.failure_) {}

  const Entry& entry() const { return entry_; }
  bool has(std::string_view key) const {
    const Value* value = map_.find(key);
    return value != nullptr && !value->is_null();
  }
  void fail(std::string_view key, std::string_view message, std::string hint = {}) const {
    if (!failure_) failure_ = Error{fmt::format("{}: {}{}: {}", entry_.where, prefix_, key, message), std::move(hint)};
  }
  void fail(std::string_view key, const Error& error) const { fail(key, error.message, error.hint); }

  std::string text(std::string_view key) const {
    const Value* value = at(key);
    if (value == nullptr) return {};
    if (value->is_string()) return std::string(value->text());
    fail(key, fmt::format("must be text, not {}", yaml::to_string(value->kind())),
           value->is_scalar() ? "put it into quotes" : "");
    return {};
  }
  /// Text that goes into a header.
  std::string line(std::string_view key) const {
    std::string out = text(key);
    if (std::ranges::any_of(out, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
      fail(key, "holds a line end or another control character");
    return out;
  }
  bool flag(std::string_view key, bool otherwise) const {
    const Value* value = at(key);
    if (value == nullptr) return otherwise;
    const auto flag = value->as_bool();
    if (!flag) fail(key, "must be true or false");
    return flag.value_or(otherwise);
  }
  std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> out;
    for (const Value& item : items(key)) {
      if (!item.is_string()) fail(key, "must be a list of texts", "put each into quotes");
      out.emplace_back(item.text());
    }
    return out;
  }
  std::span<const Value> items(std::string_view key) const {
    const Value* value = at(key);
    if (value == nullptr) return {};
    if (!value->is_list()) fail(key, "must be a list");
    return value->items();
  }
  std::optional<Keys> section(std::string_view key) const {
    const Value* value = at(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_map()) fail(key, "must be a map");
    return Keys(*this, *value, key);
  }
  /// A file's path as it is for us.
  std::string path(std::string_view key) const {
    const std::string path = text(key);
    return path.empty() ? path : (entry_.folder / path).lexically_normal().string();
  }
  /// What the file at `key` holds, or `key`-data in Base64.
  std::string content(std::string_view key, const ReadFile& read,
                      std::optional<Error> (*problem)(std::string_view)) const {
    const std::string data_key = std::string(key) + "-data";
    const std::string file = path(key);
    std::string data = text(data_key);
    if (!file.empty() && !data.empty()) fail(key, fmt::format("{} is there too", data_key), "keep one of them");
    std::string out = file.empty() ? decoded(data_key, std::move(data)) : file_text(key, file, read);
    if (out.empty()) return out;
    if (auto error = problem(out)) fail(file.empty() ? data_key : key, std::move(*error));
    return out;
  }

 private:
  const Value* at(std::string_view key) const { return has(key) ? map_.find(key) : nullptr; }

  std::string decoded(std::string_view key, std::string data) const {
    std::erase_if(data, [](char c) { return c == '\n' || c == '\r'; });
    auto out = secrets::decode_base64(data);
    secrets::wipe(data);
    if (!out) fail(key, "is not Base64", "base64 -w0 FILE writes it");
    return std::move(out).value_or("");
  }
  std::string file_text(std::string_view key, const std::string& file, const ReadFile& read) const {
    auto text = read(file);
    if (text && !text->empty()) return std::move(text).value();
    fail(key, text ? Error{fmt::format("{} is empty", file), {}} : text.error());
    return {};
  }

  const Entry& entry_;
  Value map_;
  std::string prefix_;
  std::optional<Error>& failure_;
};

// ---- the files ----

/// The reader's complaint. Where it would quote a value, which may be a secret, it does not.
Error yaml_error(const std::string& path, const Diagnostics& diagnostics) {
  const Diagnostic first = diagnostics.sorted().front();
  const std::string where = fmt::format("{}:{}:{}", path, first.pos.line, first.pos.column);
  if (first.code == "yaml-tag" || first.code == "yaml-alias")
    return {fmt::format("{}: a value that begins with ! or * means something else in YAML", where),
            "put it into quotes"};
  return {fmt::format("{}: {}", where, first.message), first.code == "yaml" ? "" : first.hint};
}

std::vector<std::string_view> names_of(const Entries& entries) {
  std::vector<std::string_view> out;
  for (const auto& [name, entry] : entries) out.push_back(name);
  return out;
}

/// Several files as one.
class Kubeconfig {
 public:
  Status add(KubeconfigFile file) {
    const uint16_t source = sources_.add(file.path, std::move(file.text));
    Diagnostics diagnostics;
    const auto root = yaml::read(arena_, sources_, source, diagnostics, kLimits);
    if (!root) return yaml_error(file.path, diagnostics);
    if (root->is_null()) return Ok{};
    const Value* kind = root->find("kind");
    if (!root->is_map() || (kind != nullptr && !kind->text().empty() && kind->text() != "Config"))
      return Error{fmt::format("{} is no kubeconfig file", file.path), "its kind must be Config"};
    std::error_code ignored;
    const fs::path folder = fs::absolute(file.path, ignored).parent_path();
    const Entry whole{file.path, folder, *root};
    std::optional<Error> failure;
    const Keys keys(whole, failure);
    if (auto current = keys.text("current-context"); current_.empty()) current_ = std::move(current);
    add_all(keys, "clusters", "cluster", clusters_);
    add_all(keys, "contexts", "context", contexts_);
    add_all(keys, "users", "user", users_);
    return failure ? Status(std::move(*failure)) : Status(Ok{});
  }

  bool is_empty() const { return current_.empty() && clusters_.empty() && contexts_.empty() && users_.empty(); }
  const std::string& current() const { return current_; }

  Result<const Entry*> context(const std::string& name) const {
    if (const auto found = contexts_.find(name); found != contexts_.end()) return &found->second;
    const auto names = names_of(contexts_);
    const std::string_view best = nearest(name, names);
    return Error{fmt::format("there is no context \"{}\" in {}", printable(name), files()),
                 names.empty() ? "" : best.empty() ? contexts_hint() : fmt::format("did you mean \"{}\"?", printable(best))};
  }
  const Entry* cluster(const std::string& name) const { return find(clusters_, name); }
  const Entry* user(const std::string& name) const { return find(users_, name); }

  std::string files() const {
    std::string out;
    for (size_t i = 0; i < sources_.size(); ++i)
      out += (i == 0 ? "" : ":") + sources_.name(static_cast<uint16_t>(i));
    return out;
  }
  std::string contexts_hint() const {
    std::string out;
    constexpr size_t kMost = 20;
    for (const std::string_view name : names_of(contexts_)) {
      if (out.size() > kMost * 20) return out + ", …";
      out += (out.empty() ? "contexts: " : ", ") + printable(name);
    }
    return out;
  }

 private:
  static const Entry* find(const Entries& entries, const std::string& name) {
    const auto found = entries.find(name);
    return found == entries.end() ? nullptr : &found->second;
  }

  /// The entries of a list `[{name: …, WHAT: {…}}]`; those that an earlier file has stay.
  static void add_all(const Keys& keys, std::string_view list, std::string_view what, Entries& into) {
    Entries of_this;
    for (const Value& item : keys.items(list)) {
      const Value* name = item.find("name");
      const Value* value = item.find(what);
      if (name == nullptr || !name->is_string())
        return keys.fail(list, fmt::format("the entry at line {} has no name that is text", item.pos().line),
                           name != nullptr ? "put it into quotes" : "");
      Entry entry{fmt::format("{}:{}: {} \"{}\"", keys.entry().where, name->pos().line, what, printable(name->text())),
                  keys.entry().folder, value != nullptr ? *value : Value()};
      if (!entry.value.is_map() && !entry.value.is_null())
        return keys.fail(list, fmt::format("{} \"{}\" must be a map", what, printable(name->text())));
      if (!of_this.emplace(name->text(), std::move(entry)).second)
        return keys.fail(list, fmt::format("the name \"{}\" is there twice", printable(name->text())), "rename one of them");
    }
    into.merge(of_this);
  }

  Sources sources_;
  yaml::Arena arena_;
  std::string current_;
  Entries clusters_, contexts_, users_;
};

// ---- a cluster ----

void read_cluster(const Keys& keys, const ReadFile& read, Config& out) {
  if (auto server = server_url(keys.text("server"))) out.server = std::move(server).value();
  else keys.fail("server", server.error());
  if (keys.flag("insecure-skip-tls-verify", false))
    keys.fail("insecure-skip-tls-verify", "an API server that is not verified could be anybody's",
                "remove it and name the authority of the server's certificate: certificate-authority-data, or "
                "certificate-authority; if only the name in the certificate differs: tls-server-name");
  out.tls_server_name = keys.line("tls-server-name");
  out.ca_pem = keys.content("certificate-authority", read, certificate_problem);
  out.compression = !keys.flag("disable-compression", false);
  if (const std::string proxy = keys.text("proxy-url"); !proxy.empty()) {
    if (auto url = proxy_url(proxy)) out.proxy_url = std::move(url).value();
    else keys.fail("proxy-url", url.error());
  }
}

/// The ExecCredential's spec.cluster (client.authentication.k8s.io/v1).
std::string cluster_info(const Keys& keys, const Config& config) {
  yaml::Arena arena;
  Value out = Value::map(arena);
  out.append(arena, "server", Value::string(config.server));
  if (!config.tls_server_name.empty()) out.append(arena, "tls-server-name", Value::string(config.tls_server_name));
  std::string authority;
  secrets::append_base64(authority, config.ca_pem);
  if (!authority.empty()) out.append(arena, "certificate-authority-data", Value::string(authority));
  if (!config.proxy_url.empty()) out.append(arena, "proxy-url", Value::string(config.proxy_url));
  if (!config.compression) out.append(arena, "disable-compression", Value::boolean(true));
  for (const Value& extension : keys.items("extensions")) {
    const Value* name = extension.find("name");
    const Value* value = extension.find("extension");
    if (name != nullptr && value != nullptr && name->text() == "client.authentication.k8s.io/exec")
      out.append(arena, "config", *value);
  }
  std::string text;
  yaml::write_json(text, out);
  return text;
}

// ---- a user ----

void refuse_auth_provider(const Keys& keys) {
  const auto provider = keys.section("auth-provider");
  if (!provider) return;
  const std::string name = provider->text("name");
  constexpr std::array<std::array<std::string_view, 2>, 3> kPlugins = {
      {{"gcp", "gke-gcloud-auth-plugin"}, {"azure", "kubelogin"}, {"oidc", "kubectl oidc-login"}}};
  std::string_view plugin = "your provider's plugin";
  for (const auto& [known, its] : kPlugins)
    if (name == known) plugin = its;
  keys.fail("auth-provider", "is gone from Kubernetes", fmt::format("use an exec plugin: {}", plugin));
}

Interactive interactive_mode(const Keys& exec, std::string_view api_version) {
  const std::string mode = exec.text("interactiveMode");
  if (mode == "Never") return Interactive::kNever;
  if (mode == "Always") return Interactive::kAlways;
  if (mode.empty() ? api_version.ends_with("/v1") : mode != "IfAvailable")
    exec.fail("interactiveMode", "must be Never, IfAvailable or Always");
  return Interactive::kIfAvailable;
}

ExecPlugin read_exec(const Keys& exec, const Keys& cluster, const Config& config) {
  ExecPlugin out;
  out.api_version = exec.text("apiVersion");
  if (out.api_version != "client.authentication.k8s.io/v1" && out.api_version != "client.authentication.k8s.io/v1beta1")
    exec.fail("apiVersion", "must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
                out.api_version.ends_with("/v1alpha1") ? "a newer version of the plugin speaks v1" : "");
  out.command = exec.text("command");
  if (out.command.empty()) exec.fail("command", "is missing", "it names the plugin");
  if (out.command.find('/') != out.command.npos) out.command = exec.path("command");
  out.args = exec.texts("args");
  for (const Value& item : exec.items("env")) {
    const Value* name = item.find("name");
    const Value* value = item.find("value");
    if (name == nullptr || !name->is_string() || name->text().empty() || name->text().find('=') != std::string_view::npos ||
        (value != nullptr && !value->is_string() && !value->is_null()))
      return exec.fail("env", "must be a list of {name: TEXT, value: TEXT}", "put the values into quotes"), out;
    out.env.emplace_back(name->text(), value != nullptr ? value->text() : "");
  }
  out.install_hint = exec.text("installHint");
  out.interactive = interactive_mode(exec, out.api_version);
  if (exec.flag("provideClusterInfo", false)) out.cluster_info = cluster_info(cluster, config);
  return out;
}

void read_impersonation(const Keys& keys, Config& out) {
  out.as_user = keys.line("as");
  out.as_groups = keys.texts("as-groups");
  for (const std::string& group : out.as_groups)
    if (std::ranges::any_of(group, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
      keys.fail("as-groups", "holds a line end or another control character");
  for (const std::string_view key : {"as-uid", "as-user-extra"})
    if (keys.has(key)) keys.fail(key, "is not taken", "as and as-groups are");
  if (out.as_user.empty() && !out.as_groups.empty()) keys.fail("as-groups", "needs a user to be", "add as: NAME");
}

void read_user(const Keys& keys, const Keys& cluster, const ReadFile& read, Config& out) {
  refuse_auth_provider(keys);
  out.client_certificate = keys.content("client-certificate", read, certificate_problem);
  out.client_key = Secret(keys.content("client-key", read, key_problem));
  if (out.client_certificate.empty() != out.client_key.empty())
    keys.fail(out.client_key.empty() ? "client-key" : "client-certificate", "is missing, its other half is there");
  out.token = Secret(keys.line("token"));
  out.token_file = keys.path("tokenFile");
  out.user = keys.line("username");
  out.password = Secret(keys.line("password"));
  const bool has_token = !out.token.empty() || !out.token_file.empty();
  if (has_token && !out.user.empty()) keys.fail("token", "username is there too", "keep one of them");
  if (out.user.empty() && !out.password.empty()) keys.fail("username", "is missing, password is there");
  if (const auto exec = keys.section("exec")) {
    ExecPlugin plugin = read_exec(*exec, cluster, out);
    if (!has_token && out.user.empty()) out.exec = std::move(plugin);
  }
  read_impersonation(keys, out);
}

// ---- a context ----

Result<std::optional<Config>> choose(const Kubeconfig& all, const ConfigFlags& flags, const ReadFile& read) {
  Config out;
  out.context = flags.context.empty() ? all.current() : flags.context;
  if (out.context.empty())
    return Error{fmt::format("{} has no current-context", all.files()),
                 "kubectl config use-context NAME sets it, --context NAME goes before it; " + all.contexts_hint()};
  const auto context = all.context(out.context);
  if (!context) return context.error();

  std::optional<Error> failure;
  const Keys keys(**context, failure);
  out.ns = flags.ns.empty() ? keys.text("namespace") : flags.ns;
  const std::string cluster_name = keys.text("cluster"), user_name = keys.text("user");
  const Entry* cluster = all.cluster(cluster_name);
  if (cluster == nullptr) {
    keys.fail("cluster", cluster_name.empty() ? "is missing"
                                                : fmt::format("there is no cluster \"{}\"", printable(cluster_name)));
    return std::move(*failure);
  }
  const Keys cluster_keys(*cluster, failure);
  read_cluster(cluster_keys, read, out);
  out.where = (*context)->where;
  if (user_name.empty()) return failure ? Result<std::optional<Config>>(std::move(*failure)) : std::optional(std::move(out));
  const Entry* user = all.user(user_name);
  if (user == nullptr) {
    keys.fail("user", fmt::format("there is no user \"{}\"", printable(user_name)));
    return std::move(*failure);
  }
  out.where = user->where;
  read_user(Keys(*user, failure), cluster_keys, read, out);
  if (failure) return std::move(*failure);
  return std::optional(std::move(out));
}

}  // namespace

Result<std::optional<Config>> config_of(std::vector<KubeconfigFile> files, const ConfigFlags& flags,
                                        const ReadFile& read) {
  Kubeconfig all;
  for (KubeconfigFile& file : files)
    if (auto added = all.add(std::move(file)); !added) return std::move(added).error();
  if (all.is_empty() && flags.context.empty()) return std::optional<Config>();
  return choose(all, flags, read);
}

}  // namespace dbm::kube
