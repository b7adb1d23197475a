// cnpg-dbm version.

#include <fmt/format.h>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/finish.h"

namespace dbm::cli {

void add_version(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("version", "Print the version of this program");
  command->callback([&exit] {
    Stdout out;
    out.write(fmt::format("cnpg-dbm {} (CloudNativePG {} to {})\n", kVersion,
                          cnpg::to_string(cnpg::Version::k1_25), cnpg::to_string(cnpg::kLatest)));
    exit = finish(out, kDone);
  });
}

}  // namespace dbm::cli
