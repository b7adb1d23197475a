// cnpg-dbm down: stops what `up` started; with --delete-data removes it, under the guard.

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/local.h"

namespace dbm::cli {
namespace {

struct Flags {
  LocalFlags local;
  std::vector<std::string> clusters, allowed;
  bool delete_data = false;
};

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::find(list, name) != list.end();
}

/// The clusters meant; empty and an error printed when one of them is not here.
std::optional<std::vector<std::string>> chosen(const Flags& flags, const local::Engine& engine) {
  const std::vector<std::string> here = engine.clusters();
  if (flags.clusters.empty()) return here;
  const std::vector<std::string_view> names(here.begin(), here.end());
  for (const std::string& name : flags.clusters)
    if (!contains(here, name)) {
      print_error({fmt::format("there is no cluster {} in {}", printable(name), engine.layout().root().string()),
                   did_you_mean(name, names)});
      return std::nullopt;
    }
  return flags.clusters;
}

/// The guard: every cluster whose data would go must be named.
int refuse_unnamed(const Flags& flags, const std::vector<std::string>& clusters, const local::Engine& engine) {
  int exit = kDone;
  for (const std::string& name : clusters) {
    if (contains(flags.allowed, name)) continue;
    print_error({fmt::format("the data of cluster {} would be lost: {}", name, engine.layout().cluster(name).string()),
                 fmt::format("--allow-destroy {} lets it through", name)});
    exit = kGuarded;
  }
  return exit;
}

int down(const Flags& flags) {
  const auto engine = open_engine(engine_options(flags.local, "down"));
  if (engine == nullptr) return kRefused;
  const auto clusters = chosen(flags, *engine);
  if (!clusters) return kRefused;
  if (flags.delete_data)
    if (const int refused = refuse_unnamed(flags, *clusters, *engine); refused != kDone) return refused;
  Stdout out;
  bool good = true;
  for (const std::string& name : *clusters) {
    const auto stopped = engine->stop(name);
    if (!stopped) {
      print_error(stopped.error());
      good = false;
      continue;
    }
    if (flags.delete_data) {
      if (auto removed = engine->remove(name); !removed) {
        print_error(removed.error());
        good = false;
        continue;
      }
    }
    out.write(fmt::format("{}: {}\n", name, flags.delete_data ? "stopped, its data is deleted"
                                            : *stopped         ? "stopped, its data is kept"
                                                               : "did not run"));
  }
  return finish(out, good ? kDone : kRefused);
}

}  // namespace

void add_down(Command program) {
  Command command = program.subcommand("down", "Stop the clusters of this machine; their data stays");
  auto flags = std::make_shared<Flags>();
  flags->local.add_to(command);
  command.argument("CLUSTER", flags->clusters, "only these");
  command.flag("--delete-data", flags->delete_data, "remove data, passwords and backups too");
  command.option("--allow-destroy", flags->allowed, "cluster whose data may be deleted");
  command.run([flags] { return down(*flags); });
}

}  // namespace dbm::cli
