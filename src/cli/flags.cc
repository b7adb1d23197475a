#include "cli/flags.h"

#include "base/text.h"

namespace dbm::cli {

void ValueFlags::add_to(Command command) {
  command.option("-f,--values", files, "values file; several are merged, - is standard input").file();
  command.option("--set", set, "set a value: clusters.main.instances=3");
  command.option("--set-string", set_string, "set a value that is a string");
  command.option("--set-file", set_file, "set a value to what a file holds: KEY=PATH");
  command.option("--set-json", set_json, "set a value given as JSON: KEY=JSON");
  command.argument("RELEASE", render.release, "name of the release").show_default();
  ns_option = command.option("-n,--namespace", render.ns, "namespace of the release").show_default();
  command.option("--cnpg-version", cnpg_version, "CloudNativePG's version, 1.25 to 1.30")
      .show_default(std::string(cnpg::to_string(cnpg::kLatest)));
  command.flag("--lenient", lenient, "unknown keys are warnings");
  command.flag("--strict", strict, "warnings are errors");
}

void ReleaseFlags::add_to(Command command) {
  command.argument("RELEASE", name, "name of the release").show_default();
  command.option("-n,--namespace", ns, "namespace of the release (default: the context's)");
}

void KubeFlags::add_to(Command command) {
  command.option("--kubeconfig", kubeconfig, "kubeconfig file (default: $KUBECONFIG, ~/.kube/config, a Pod's own)")
      .file();
  command.option("--context", context, "context of the kubeconfig");
  command.option("--timeout", timeout_text, "how long it may take in all: 90s, 10m, 1h")
      .show_default()
      .check([this](const std::string& text) {
        const auto duration = parse_duration(text);
        if (!duration || duration->count() <= 0) return std::string("is no duration: 90s, 10m, 1h");
        timeout = *duration;
        return std::string();
      });
}

void PasswordFlags::add_to(Command command) {
  command.option("--password-key-file", key_file, "master key of derived passwords (made by keygen)").file();
}

void LocalFlags::add_to(Command command) {
  command.option("--dir", dir, "folder of the local engine (default: XDG data home, for root /var/lib/cnpg-dbm)")
      .folder();
  command.option("--run-as", user, "started as root: the user that the servers run as (default: postgres)");
  command.option("--pg-bin", pg_bin, "folder of PostgreSQL's programs, looked at first").folder();
}

}  // namespace dbm::cli
