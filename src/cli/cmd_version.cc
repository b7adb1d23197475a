// cnpg-dbm version.

#include <fmt/format.h>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/finish.h"

namespace dbm::cli {

void add_version(Command program) {
  Command command = program.subcommand("version", "Print the version of this program");
  command.run([] {
    Stdout out;
    out.write(fmt::format("cnpg-dbm {} (CloudNativePG {} to {})\n", kVersion,
                          cnpg::to_string(cnpg::Version::k1_25), cnpg::to_string(cnpg::kLatest)));
    return finish(out, kDone);
  });
}

}  // namespace dbm::cli
