#include "kube/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "kube/kubeconfig.h"
#include "kube/pem.h"
#include "kube/url.h"

namespace dbm::kube {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// The parts of a list as in $PATH, each once.
std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const size_t end = std::min(list.find(':'), list.size());
    std::string part(list.substr(0, end));
    if (!part.empty() && std::ranges::find(out, part) == out.end()) out.push_back(std::move(part));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

/// Where kubeconfig files may be.
std::vector<std::string> places(const ConfigFlags& flags) {
  if (!flags.kubeconfig.empty()) return {flags.kubeconfig};
  if (auto listed = split_list(environment("KUBECONFIG")); !listed.empty()) return listed;
  const std::string home = environment("HOME");
  return home.empty() ? std::vector<std::string>() : std::vector{home + "/.kube/config"};
}

Result<std::vector<KubeconfigFile>> read_files(const std::vector<std::string>& places, bool must_be_there) {
  std::vector<KubeconfigFile> out;
  for (const std::string& path : places) {
    std::error_code error;
    if (!must_be_there && fs::status(path, error).type() == fs::file_type::not_found) continue;
    auto text = read_text(path);
    if (!text) return std::move(text).error();
    out.push_back({path, std::move(text).value()});
  }
  return out;
}

Error nothing_there(const ConfigFlags& flags, const std::vector<std::string>& places) {
  if (!flags.kubeconfig.empty()) return {fmt::format("{} holds no cluster", flags.kubeconfig), {}};
  std::string looked;
  for (const std::string& place : places) looked += (looked.empty() ? "" : ", ") + place;
  return {fmt::format("no cluster is known: no kubeconfig file ({}), and this is no Pod",
                      looked.empty() ? "neither KUBECONFIG nor HOME is set" : "looked at " + looked),
          "give --kubeconfig FILE, or set KUBECONFIG"};
}

/// The service account of our Pod. Source: "Accessing the API from a Pod".
Result<Config> in_cluster(const ConfigFlags& flags, const std::string& host, const std::string& port) {
  Config out;
  out.context = "in-cluster";
  out.where = "the Pod's service account";
  const bool is_ipv6 = host.find(':') != host.npos;
  auto server = server_url(fmt::format("https://{}{}{}:{}", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port));
  if (!server) return Error{"KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no address", {}};
  out.server = std::move(server).value();

  const fs::path folder = flags.service_account;
  const std::string hint = "is automountServiceAccountToken: false in the Pod or its service account?";
  auto authority = read_text(folder / "ca.crt");
  if (!authority) return Error{std::move(authority).error().about(out.where).message, hint};
  if (auto problem = certificate_problem(*authority)) return std::move(*problem).about((folder / "ca.crt").string());
  out.ca_pem = std::move(authority).value();
  out.token_file = folder / "token";
  if (auto token = read_text(out.token_file); !token) return Error{std::move(token).error().about(out.where).message, hint};
  out.ns = flags.ns.empty() ? text_or_empty(folder / "namespace") : flags.ns;
  while (out.ns.ends_with('\n')) out.ns.pop_back();
  return out;
}

}  // namespace

Result<Config> load_config(const ConfigFlags& flags) {
  const auto looked = places(flags);
  auto files = read_files(looked, !flags.kubeconfig.empty());
  if (!files) return std::move(files).error();
  if (!files->empty()) {
    auto config = config_of(std::move(files).value(), flags, [](const std::string& path) { return read_text(path); });
    if (!config) return std::move(config).error();
    if (*config) return std::move(**config);
  }
  const std::string host = environment("KUBERNETES_SERVICE_HOST"), port = environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty() || !flags.kubeconfig.empty() || !flags.context.empty()) return nothing_there(flags, looked);
  return in_cluster(flags, host, port);
}

}  // namespace dbm::kube
