// Any bytes as two kubeconfig files and as what a plugin prints.

#include <cstdlib>

#include "kube/exec_plugin.h"
#include "kube/kubeconfig.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dbm;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t half = text.find("\n---\n");
  const kube::ReadFile read = [](const std::string&) -> Result<std::string> {
    return std::string("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----");
  };
  std::vector<kube::KubeconfigFile> files = {{"one", text.substr(0, half)}};
  if (half != text.npos) files.push_back({"folder/two", text.substr(half + 5)});
  const auto config = kube::config_of(files, {}, read);
  if (config && *config && !(*config)->server.starts_with("http")) std::abort();
  (void)kube::read_exec_credential(text, "client.authentication.k8s.io/v1");
  return 0;
}
