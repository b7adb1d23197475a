#pragma once

// Exec plugins: programs that give out credentials (client.authentication.k8s.io/v1).
//
// No shell; the plugin has our environment, its own of the kubeconfig and KUBERNETES_EXEC_INFO. What
// it says on standard error goes through to ours; what it prints is never quoted. Threads: any.

#include <chrono>
#include <optional>
#include <string_view>

#include "kube/credentials.h"

namespace dbm::kube {

struct ExecCredential {
  Identity identity;  // a token, a client certificate with its key, or both
  std::optional<std::chrono::sys_seconds> expires;
};

/// Runs it to its end; it is killed when it takes longer than `patience`.
Result<ExecCredential> run_plugin(const ExecPlugin& plugin, std::chrono::milliseconds patience);

/// What a plugin printed.
Result<ExecCredential> read_exec_credential(std::string_view text, std::string_view api_version);

}  // namespace dbm::kube
