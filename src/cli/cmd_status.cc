// cnpg-dbm status: how the clusters of this machine are.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/table.h"
#include "local/identity.h"
#include "local/status.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  LocalFlags local;
  bool here = false;
  std::string output = "text";
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
  const auto text = [&](std::string_view t) { return yaml::Value::string(arena.copy(t)); };
  yaml::Value list = yaml::Value::list(arena);
  for (const auto& c : clusters) {
    yaml::Value instances = yaml::Value::list(arena), databases = yaml::Value::list(arena),
                poolers = yaml::Value::list(arena), problems = yaml::Value::list(arena);
    for (const auto& i : c.instances) {
      yaml::Value one = yaml::Value::map(arena);
      one.append(arena, "name", text(i.name));
      one.append(arena, "role", yaml::Value::string(i.primary ? "primary" : "replica"));
      one.append(arena, "runs", yaml::Value::boolean(i.runs));
      one.append(arena, "problem", text(i.problem));
      one.append(arena, "lagBytes", yaml::Value::integer(arena, i.lag_bytes));
      one.append(arena, "log", text(i.log));
      instances.push(arena, one);
    }
    for (const auto& d : c.databases) {
      yaml::Value one = yaml::Value::map(arena);
      one.append(arena, "name", text(d.name));
      one.append(arena, "owner", text(d.owner));
      one.append(arena, "size", yaml::Value::integer(arena, d.size));
      one.append(arena, "connections", yaml::Value::integer(arena, d.connections));
      one.append(arena, "connectionLimit", yaml::Value::integer(arena, d.connection_limit));
      databases.push(arena, one);
    }
    for (const auto& p : c.poolers) {
      yaml::Value one = yaml::Value::map(arena);
      one.append(arena, "name", text(p.name));
      one.append(arena, "port", yaml::Value::integer(arena, p.port));
      one.append(arena, "runs", yaml::Value::boolean(p.runs));
      one.append(arena, "log", text(p.log));
      poolers.push(arena, one);
    }
    for (const auto& p : c.problems) problems.push(arena, text(p));
    yaml::Value one = yaml::Value::map(arena);
    one.append(arena, "name", text(c.name));
    one.append(arena, "healthy", yaml::Value::boolean(c.healthy()));
    one.append(arena, "version", text(c.version));
    one.append(arena, "port", yaml::Value::integer(arena, c.port));
    one.append(arena, "problems", problems);
    one.append(arena, "instances", instances);
    one.append(arena, "poolers", poolers);
    one.append(arena, "databases", databases);
    list.push(arena, one);
  }
  yaml::Value tree = yaml::Value::map(arena);
  tree.append(arena, "clusters", list);
  std::string out;
  yaml::write_json(out, tree, 2);
  return out + "\n";
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
  const auto clusters = local::status_of(layout, *state);
  Stdout out;
  bool healthy = true;
  if (flags.output == "json") out.write(json(clusters));
  for (const auto& cluster : clusters) {
    healthy = healthy && cluster.healthy();
    if (flags.output == "text") out.write(cluster_text(cluster));
  }
  if (clusters.empty() && flags.output == "text")
    out.write(fmt::format("no clusters in {}\n", layout.root().string()));
  return finish(out, healthy ? kDone : kRefused);
}

}  // namespace

void add_status(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("status", "How the clusters of this machine are; exit code 1: not well");
  auto flags = std::make_shared<Flags>();
  flags->local.add_to(*command);
  command->add_flag("--local", flags->here, "this machine's (the default)");
  command->add_option("-o,--output", flags->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  command->callback([flags, &exit] { exit = status(*flags); });
}

}  // namespace dbm::cli
