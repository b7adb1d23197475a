// cnpg-dbm validate: everything that can be known without a cluster.

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/report.h"

namespace dbm::cli {
namespace {

struct Flags {
  ValueFlags values;
  std::string output = "text";
};

std::string summary(const Input& input) {
  size_t databases = 0, poolers = 0;
  for (const render::ClusterPlan& plan : input.clusters) {
    databases += plan.cluster->databases.size();
    poolers += plan.cluster->poolers.size();
  }
  const auto count = [](size_t n, std::string_view what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  return fmt::format("valid: {}, {}, {} for CloudNativePG {}\n",
                     count(input.clusters.size(), "cluster"), count(databases, "database"),
                     count(poolers, "pooler"), cnpg::to_string(input.options.version));
}

int validate(const Flags& flags) {
  const auto input = read_input(flags.values);
  const int exit = exit_code(*input);
  Stdout out;
  if (flags.output == "json") {
    out.write(report_json(input->sources, input->diagnostics));
  } else if (flags.output == "sarif") {
    out.write(report_sarif(input->sources, input->diagnostics));
  } else {
    print_diagnostics(*input);
    if (exit == kDone) out.write(summary(*input));
  }
  return finish(out, exit);
}

}  // namespace

void add_validate(Command program) {
  Command command = program.subcommand("validate", "Check a values file: every mistake, with its place");
  auto flags = std::make_shared<Flags>();
  flags->values.add_to(command);
  command.option("-o,--output", flags->output, "text (standard error), json or sarif")
      .choices({"text", "json", "sarif"});
  command.run([flags] { return validate(*flags); });
}

}  // namespace dbm::cli
