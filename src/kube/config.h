#pragma once

// Where the API server is and who we are to it: kubeconfig files as kubectl reads and merges them
// (KUBECONFIG lists, contexts, inline and file certificates), or a Pod's service account.
//
// Pure but for the files it reads. Ownership: Config owns everything. Threads: any.
// Source of the rules: Kubernetes, "Organizing Cluster Access Using kubeconfig Files", and
// client.authentication.k8s.io/v1 for exec plugins.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "secrets/secret.h"

namespace dbm::kube {

/// Whether a plugin may ask the user something.
enum class Interactive { kNever, kIfAvailable, kAlways };

/// A program that prints an ExecCredential.
struct ExecPlugin {
  std::string api_version = {};  // client.authentication.k8s.io/v1 or v1beta1
  std::string command = {};      // a name to be found in PATH, or a path
  std::vector<std::string> args = {};
  std::vector<std::pair<std::string, std::string>> env = {};
  std::string install_hint = {};
  std::string cluster_info = {};  // JSON of the ExecCredential's spec.cluster; empty: it was not asked for
  Interactive interactive = Interactive::kIfAvailable;
};

/// One way to one API server. PEM texts are the files' contents.
struct Config {
  std::string where = {};            // FILE:LINE: user "NAME", for messages about credentials
  std::string context = {};          // its name, for messages; "in-cluster" in a Pod
  std::string server = {};           // https://host:port, perhaps with a path; no / at the end
  std::string tls_server_name = {};  // the name the certificate must have; empty: the host
  std::string ca_pem = {};           // empty: the system's authorities
  std::string proxy_url = {};        // http, https or socks5; empty: the environment's. May hold a
                                     // password: not for messages
  std::string ns = {};               // empty: none was said
  bool compression = true;

  std::string client_certificate = {};  // PEM; empty: none
  secrets::Secret client_key = {};
  secrets::Secret token = {};
  std::string token_file = {};  // read again when it changed or was refused
  std::string user = {};        // basic authentication
  secrets::Secret password = {};
  std::optional<ExecPlugin> exec = {};
  std::string as_user = {};  // impersonation
  std::vector<std::string> as_groups = {};
};

/// What the command line says; empty: not said.
struct ConfigFlags {
  std::string kubeconfig = {}, context = {}, ns = {};
  /// A Pod's token, ca.crt and namespace.
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
};

/// --kubeconfig, else $KUBECONFIG, else ~/.kube/config, else (when none of them is there) the
/// service account of the Pod we run in. Errors name the file and the key, and what to do.
/// `insecure-skip-tls-verify` is refused: certificates are verified always. A token, a token file or a
/// password goes before an exec plugin, as in kubectl.
Result<Config> load_config(const ConfigFlags& flags);

}  // namespace dbm::kube
