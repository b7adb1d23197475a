// cnpg-dbm psql: opens psql in a database of this machine, as its owner.

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "local/connection_files.h"
#include "local/folders.h"
#include "local/identity.h"
#include "local/layout.h"
#include "local/state.h"

namespace dbm::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  LocalFlags local;
  std::string database, as, pooler;
  bool admin = false;
  std::vector<std::string> arguments;
};

/// Where a service stands: pg_service.conf and the name in it.
struct Service {
  fs::path file;
  std::string name;
};

/// `[CLUSTER/]DATABASE` among the connection files; every fit.
std::vector<Service> find_services(const local::Layout& layout, const Flags& flags) {
  const size_t slash = flags.database.find('/');
  const std::string cluster = slash == std::string::npos ? "" : flags.database.substr(0, slash);
  const std::string database = slash == std::string::npos ? flags.database : flags.database.substr(slash + 1);
  const std::string file = local::connection_name(database, flags.as, "") + ".env";
  std::vector<Service> out;
  for (const fs::path& folder : local::files_in(layout.root() / "connections")) {
    if (!cluster.empty() && folder.filename() != cluster) continue;
    if (access((folder / file).c_str(), F_OK) != 0) continue;
    out.push_back({folder / "pg_service.conf", local::connection_name(database, flags.as, flags.pooler)});
  }
  return out;
}

int refuse(std::string message, std::string hint) {
  print_error({std::move(message), std::move(hint)});
  return kRefused;
}

/// psql takes our place. Arguments hold no password: the service file does.
int become_psql(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  return refuse(fmt::format("cannot start psql: {}", std::strerror(errno)), "apt-get install postgresql-client");
}

int open_as_admin(const local::Layout& layout, const Flags& flags) {
  const auto state = local::State::load(layout.state());
  if (!state) {
    print_error(state.error());
    return kRefused;
  }
  const size_t slash = flags.database.find('/');
  const std::string cluster = flags.database.substr(0, slash);
  const auto found = state->clusters.find(cluster);
  if (found == state->clusters.end())
    return refuse(fmt::format("there is no cluster {} here", printable(cluster)), "--admin takes CLUSTER or CLUSTER/DATABASE");
  std::vector<std::string> words = {"psql", "-h", layout.sockets(cluster, 1), "-p", std::to_string(found->second.port),
                                    "-U", "postgres", "-d", slash == std::string::npos ? "postgres" : flags.database.substr(slash + 1)};
  words.insert(words.end(), flags.arguments.begin(), flags.arguments.end());
  return become_psql(std::move(words));
}

int psql(const Flags& flags) {
  const local::Layout layout(flags.local.dir);
  if (auto became = local::become_unprivileged(layout, flags.local.user, false); !became) {
    print_error(became.error());
    return kRefused;
  }
  if (flags.admin) return open_as_admin(layout, flags);
  const auto services = find_services(layout, flags);
  if (services.empty())
    return refuse(fmt::format("there is no database {} in {}", printable(flags.database), layout.root().string()),
                  "`cnpg-dbm up` makes it; `cnpg-dbm status` shows what is here");
  if (services.size() > 1)
    return refuse(fmt::format("several clusters have a database {}", printable(flags.database)), "name it CLUSTER/DATABASE");
  if (text_or_empty(services[0].file).find(fmt::format("[{}]\n", services[0].name)) == std::string::npos)
    return refuse(fmt::format("there is no pooler {} before {}", printable(flags.pooler), printable(flags.database)), "");
  setenv("PGSERVICEFILE", services[0].file.c_str(), 1);
  setenv("PGSERVICE", services[0].name.c_str(), 1);
  for (const char* other : {"PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSSLMODE"})
    unsetenv(other);
  std::vector<std::string> words = {"psql"};
  words.insert(words.end(), flags.arguments.begin(), flags.arguments.end());
  return become_psql(std::move(words));
}

}  // namespace

void add_psql(Command program) {
  Command command = program.subcommand("psql", "Open psql in a database of this machine, as its owner");
  auto flags = std::make_shared<Flags>();
  flags->local.add_to(command);
  command.argument("DATABASE", flags->database, "DATABASE or CLUSTER/DATABASE").required();
  command.option("--as", flags->as, "as this one of its users");
  command.option("--pooler", flags->pooler, "through this pooler");
  command.flag("--admin", flags->admin, "as postgres: CLUSTER or CLUSTER/DATABASE");
  command.argument("ARGUMENTS", flags->arguments, "psql's own, after --");
  command.run([flags] { return psql(*flags); });
}

}  // namespace dbm::cli
