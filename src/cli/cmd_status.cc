// cnpg-dbm status: how a release is, on a Kubernetes API or on this machine.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/json.h"
#include "cli/release_status.h"
#include "cli/table.h"
#include "local/identity.h"
#include "local/status.h"
#include "sql/environment.h"

namespace dbm::cli {
namespace {

struct Flags {
  ReleaseStatusFlags release;
  LocalFlags local;
  bool here = false;
};

constexpr size_t kRows = 40;

std::string megabytes(int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20)); }

std::string cluster_text(const local::ClusterStatus& c) {
  std::string out = fmt::format("{}: {}, PostgreSQL {} on 127.0.0.1:{}\n", c.name,
                                c.healthy() ? "healthy" : "NOT healthy", c.version.empty() ? "?" : c.version, c.port);
  for (const std::string& problem : c.problems) out += fmt::format("  ! {}\n", problem);
  Table servers({"SERVER", "ROLE", "STATE", "LOG"});
  for (const auto& i : c.instances)
    servers.row({i.name, i.primary ? "primary" : "replica",
                 !i.problem.empty() ? i.problem
                 : i.primary        ? "runs"
                                    : fmt::format("streams, {} behind", megabytes(i.lag_bytes)),
                 i.log});
  for (const auto& p : c.poolers)
    servers.row({"pooler " + p.name, fmt::format("127.0.0.1:{}", p.port), p.runs ? "runs" : "does not run", p.log});
  out += servers.text("  ");
  Table databases({"DATABASE", "OWNER", "SIZE", "CONNECTIONS"});
  for (size_t i = 0; i < std::min(c.databases.size(), kRows); ++i) {
    const auto& d = c.databases[i];
    databases.row({d.name, d.owner, megabytes(d.size),
                   d.connection_limit < 0 ? fmt::format("{}", d.connections)
                                          : fmt::format("{} of {}", d.connections, d.connection_limit)});
  }
  out += databases.text("  ");
  if (c.databases.size() > kRows) out += fmt::format("  … and {} more\n", c.databases.size() - kRows);
  return out;
}

std::string json(const std::vector<local::ClusterStatus>& clusters) {
  yaml::Arena arena;
  const auto list = json_list(arena, clusters, [&](const local::ClusterStatus& c) {
    const auto instances = json_list(arena, c.instances, [&](const auto& i) {
      return Json(arena).set("name", i.name).set("role", i.primary ? "primary" : "replica").set("runs", i.runs)
          .set("problem", i.problem).set("lagBytes", i.lag_bytes).set("log", i.log).value();
    });
    const auto databases = json_list(arena, c.databases, [&](const auto& d) {
      return Json(arena).set("name", d.name).set("owner", d.owner).set("size", d.size)
          .set("connections", int64_t{d.connections}).set("connectionLimit", int64_t{d.connection_limit}).value();
    });
    const auto poolers = json_list(arena, c.poolers, [&](const auto& p) {
      return Json(arena).set("name", p.name).set("port", int64_t{p.port}).set("runs", p.runs).set("log", p.log).value();
    });
    const auto problems = json_list(arena, c.problems, [&](const std::string& p) { return yaml::Value::string(arena.copy(p)); });
    return Json(arena).set("name", c.name).set("healthy", c.healthy()).set("version", c.version).set("port", int64_t{c.port})
        .set("problems", problems).set("instances", instances).set("poolers", poolers).set("databases", databases).value();
  });
  return Json(arena).set("clusters", list).text();
}

int status(const Flags& flags) {
  const local::Layout layout(flags.local.dir);
  if (auto became = local::become_unprivileged(layout, flags.local.user, false); !became) {
    print_error(became.error());
    return kRefused;
  }
  const auto state = local::State::load(layout.state());
  if (!state) {
    print_error(state.error());
    return kRefused;
  }
  sql::ignore_libpq_environment();
  const auto clusters = local::status_of(layout, *state);
  Stdout out;
  bool healthy = true;
  if (flags.release.output == "json") out.write(json(clusters));
  for (const auto& cluster : clusters) {
    healthy = healthy && cluster.healthy();
    if (flags.release.output == "text") out.write(cluster_text(cluster));
  }
  if (clusters.empty() && flags.release.output == "text")
    out.write(fmt::format("no clusters in {}\n", layout.root().string()));
  return finish(out, healthy ? kDone : kRefused);
}

}  // namespace

void add_status(Command program) {
  Command command = program.subcommand("status", "How a release is; --local: the clusters of this machine. Exit code 1: not well");
  auto flags = std::make_shared<Flags>();
  flags->release.release.add_to(command);
  flags->release.kube.add_to(command);
  command.flag("-w,--watch", flags->release.watch, "go on showing it");
  command.flag("--local", flags->here, "the clusters of this machine");
  flags->local.add_to(command);
  command.option("-o,--output", flags->release.output, "text or json").choices({"text", "json"});
  command.run([flags] {
    const bool local = flags->here || !flags->local.dir.empty();
    return local ? status(*flags) : release_status(flags->release);
  });
}

}  // namespace dbm::cli
