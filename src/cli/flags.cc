#include "cli/flags.h"

#include "base/text.h"

namespace dbm::cli {

void ValueFlags::add_to(CLI::App& command) {
  const auto list = [&](const char* name, std::vector<std::string>& out, const char* help) {
    return command.add_option(name, out, help)->allow_extra_args(false)->take_all();
  };
  list("-f,--values", files, "values file; several are merged, - is standard input")->type_name("FILE");
  list("--set", set, "set a value: clusters.main.instances=3");
  list("--set-string", set_string, "set a value that is a string");
  list("--set-file", set_file, "set a value to what a file holds: KEY=PATH");
  list("--set-json", set_json, "set a value given as JSON: KEY=JSON");
  command.add_option("RELEASE", render.release, "name of the release")->capture_default_str();
  ns_option = command.add_option("-n,--namespace", render.ns, "namespace of the release")->capture_default_str();
  command.add_option("--cnpg-version", cnpg_version, "CloudNativePG's version, 1.25 to 1.30")
      ->default_str(std::string(cnpg::to_string(cnpg::kLatest)));
  command.add_flag("--lenient", lenient, "unknown keys are warnings");
  command.add_flag("--strict", strict, "warnings are errors");
}

void ReleaseFlags::add_to(CLI::App& command) {
  command.add_option("RELEASE", name, "name of the release")->capture_default_str();
  command.add_option("-n,--namespace", ns, "namespace of the release (default: the context's)");
}

void KubeFlags::add_to(CLI::App& command) {
  command.add_option("--kubeconfig", kubeconfig, "kubeconfig file (default: $KUBECONFIG, ~/.kube/config, a Pod's own)")
      ->type_name("FILE");
  command.add_option("--context", context, "context of the kubeconfig");
  command.add_option("--timeout", timeout_text, "how long it may take in all: 90s, 10m, 1h")
      ->capture_default_str()
      ->check([this](const std::string& text) {
        const auto duration = parse_duration(text);
        if (!duration || duration->count() <= 0) return std::string("is no duration: 90s, 10m, 1h");
        timeout = *duration;
        return std::string();
      });
}

void PasswordFlags::add_to(CLI::App& command) {
  command.add_option("--password-key-file", key_file,
                     "master key of derived passwords (made by keygen)")
      ->type_name("FILE");
}

void LocalFlags::add_to(CLI::App& command) {
  command.add_option("--dir", dir, "folder of the local engine (default: XDG data home, for root /var/lib/cnpg-dbm)")
      ->type_name("DIR");
  command.add_option("--run-as", user, "started as root: the user that the servers run as (default: postgres)");
  command.add_option("--pg-bin", pg_bin, "folder of PostgreSQL's programs, looked at first")->type_name("DIR");
}

}  // namespace dbm::cli
