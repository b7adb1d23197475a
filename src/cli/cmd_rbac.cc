// cnpg-dbm rbac: the Roles that a values file needs.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"
#include "release/rbac.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  ValueFlags values;
  KubeFlags kube;
  std::string user, service_account;
  bool may_ask() const { return !kube.kubeconfig.empty() || !kube.context.empty(); }
};

/// Kinds of extraObjects that are not known beforehand are asked for, when it was said where.
Status learn(const Flags& flags, const spec::Values& values, kube::Kinds& kinds) {
  if (!release::has_unknown_kinds(values)) return Ok{};
  if (!flags.may_ask())
    return Error{"extraObjects has kinds that only a server knows the resources of", "--kubeconfig or --context says which server to ask"};
  const auto kubernetes = Kubernetes::open(flags.kube, flags.values.given_namespace());
  if (kubernetes == nullptr) return Error{"cannot ask which kinds the server has", {}};
  return kinds.learn(kubernetes->client());
}

release::Subject subject_of(const Flags& flags) {
  if (flags.service_account.empty()) return {{}, flags.user};
  const size_t colon = flags.service_account.find(':');
  return {flags.service_account.substr(0, colon), flags.service_account.substr(colon + 1)};
}

int rbac(const Flags& flags) {
  const auto input = read_input(flags.values);
  print_diagnostics(*input);
  if (input->diagnostics.has_errors()) return exit_code(*input);
  kube::Kinds kinds;
  if (auto learnt = learn(flags, input->values, kinds); !learnt) return print_unanswered(learnt.error());
  const release::Source source{&input->values, input->clusters, input->options, {}};
  const release::Release release{input->options.release, input->options.ns, input->options.applyset};
  const auto rights = release::rights_needed(source, release, kinds);
  if (!rights) return print_unanswered(rights.error());
  Stdout out;
  yaml::Arena arena;
  for (const yaml::Value& object : release::rbac_objects(arena, release, *rights, subject_of(flags))) {
    out.write("---\n");
    yaml::write_yaml(out.buffer(), object);
  }
  return finish(out, kDone);
}

}  // namespace

void add_rbac(Command program) {
  Command command = program.subcommand("rbac", "The least Roles that applying and removing a values file needs");
  auto flags = std::make_shared<Flags>();
  flags->values.add_to(command);
  flags->kube.add_to(command);
  const Option user = command.option("--user", flags->user, "bind them to this user");
  command.option("--service-account", flags->service_account, "bind them to this service account: NAMESPACE:NAME")
      .excludes(user)
      .check([](const std::string& text) {
        const size_t colon = text.find(':');
        return colon == text.npos || colon == 0 || colon + 1 == text.size() ? std::string("is not NAMESPACE:NAME") : std::string();
      });
  command.run([flags] { return rbac(*flags); });
}

}  // namespace dbm::cli
