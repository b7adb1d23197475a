// cnpg-dbm audit: who can enter which database of a live server, against the values file.

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "cli/audit_run.h"
#include "cli/audit_local.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/local.h"
#include "cli/tenant_passwords.h"
#include "local/identity.h"
#include "sql/connection_parameters.h"
#include "sql/environment.h"

namespace dbm::cli {
namespace {

struct Flags {
  ValueFlags values;
  LocalFlags local;
  PasswordFlags key;
  std::string cluster, passwords_file, password_file;
  sql::Target admin{.user = "postgres"};
  std::vector<std::string> poolers;
  std::string attempts = "sample", output = "text", channel_binding = "require";
  unsigned at_once = 16, timeout = 10;
  bool fix = false, inside = false;
};

int usage(std::string message, std::string hint) {
  print_error({std::move(message), std::move(hint)});
  return kUsage;
}

/// The enabled cluster that is meant, or null after saying why not.
const render::ClusterPlan* choose(const Input& input, const std::string& name) {
  std::vector<std::string_view> names;
  for (const render::ClusterPlan& plan : input.clusters) {
    if (plan.cluster->name == name) return &plan;
    names.push_back(plan.cluster->name);
  }
  if (name.empty() && names.size() == 1) return &input.clusters[0];
  if (names.empty())
    print_error({"no cluster of the values file is enabled", {}});
  else if (name.empty())
    print_error({"the values file has several clusters",
                 fmt::format("--cluster NAME: {}", join_and(names))});
  else
    print_error(
        {fmt::format("no cluster {} is enabled", printable(name)), did_you_mean(name, names)});
  return nullptr;
}

/// NAME=HOST:PORT
std::optional<audit::Entrance> parse_pooler(const std::string& text, const sql::Target& admin) {
  const size_t equals = text.find('='), colon = text.rfind(':');
  if (equals == text.npos || colon == text.npos || colon < equals || equals == 0)
    return std::nullopt;
  audit::Entrance out{text.substr(0, equals), admin};
  out.target.host = text.substr(equals + 1, colon - equals - 1);
  if (out.target.host.starts_with('[') && out.target.host.ends_with(']'))  // [::1]:6432
    out.target.host = out.target.host.substr(1, out.target.host.size() - 2);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, out.target.port);
  const bool good = at == end && error == std::errc() && out.target.port > 0 &&
                    out.target.port < 65536 && !out.target.host.empty();
  return good ? std::optional(std::move(out)) : std::nullopt;
}

/// Weaker checks of who answers are asked for by name, and told.
void warn_of_weak_checks(const audit::Targets& targets) {
  const auto warn = [](const sql::Target& target, bool is_pooler) {
    if (sql::is_this_machine(target)) return;
    const auto weak = [&](std::string_view flag, std::string_view value) {
      print_warning(fmt::format("{} {}: whoever answers for {} may get the passwords of its logins", flag, value,
                                printable(target.host)),
                    "--sslmode verify-full --sslrootcert FILE checks who that is");
    };
    const std::string_view mode = sql::effective_ssl_mode(target);
    if (mode != "verify-full") return weak("--sslmode", mode);
    if (!is_pooler && target.channel_binding != "require") weak("--channel-binding", target.channel_binding);
  };
  warn(targets.admin, false);
  for (const audit::Entrance& other : targets.others) warn(other.target, other.is_pooler);
}

bool has_superuser_access(const spec::Cluster& cluster) {
  const yaml::Value* access = cluster.additional_cluster_spec.find("enableSuperuserAccess");
  return access != nullptr && access->as_bool().value_or(false);
}

/// The admin's password: from the file, else from PGPASSWORD; never from an argument.
Result<secrets::Secret> admin_password(const Flags& flags) {
  if (!flags.password_file.empty()) return read_secret_file(flags.password_file);
  const char* text = std::getenv("PGPASSWORD");
  return secrets::Secret(std::string(text != nullptr ? text : ""));
}

audit::Options options_of(const Flags& flags, const spec::Cluster& cluster) {
  audit::Options out;
  out.expectations.superuser_access = has_superuser_access(cluster);
  out.attempts = flags.attempts == "none"  ? audit::Sample::kNone
                 : flags.attempts == "all" ? audit::Sample::kAll
                                           : audit::Sample::kSome;
  out.attempt.at_once = flags.at_once;
  out.attempt.timeout = std::chrono::seconds(flags.timeout);
  out.inside = flags.inside;
  return out;
}

/// The clusters of this machine that the file names (--cluster: that one), one after the other.
int audit_here(const Flags& flags, const Input& input) {
  const local::Layout layout(flags.local.dir);
  if (auto became = local::become_unprivileged(layout, flags.local.user, false); !became) {
    print_error(became.error());
    return kRefused;
  }
  const auto state = local::State::load(layout.state());
  const auto passwords = local::Passwords::load(layout.passwords());
  if (!state || !passwords) {
    print_error(state ? passwords.error() : state.error());
    return kRefused;
  }
  int exit = kDone;
  for (const render::ClusterPlan& plan : input.clusters) {
    const std::string name(plan.cluster->name);
    if (!flags.cluster.empty() && flags.cluster != name) continue;
    const auto found = state->clusters.find(name);
    if (found == state->clusters.end()) {
      print_error({fmt::format("there is no cluster {} in {}", name, layout.root().string()),
                   "`cnpg-dbm up` makes it; --host HOST audits another server"});
      exit = kRefused;
      continue;
    }
    audit::Options options = options_of(flags, *plan.cluster);
    options.expectations.service_roles = {"cnpg_pooler_pgbouncer"};
    const int one = run_audit(sql::desired_of(input.values, plan, input.options),
                              local_targets(layout, name, found->second, *passwords), options,
                              {.json = flags.output == "json", .fix = flags.fix});
    exit = std::max(exit, one);
  }
  return exit;
}

int audit_cluster(const Flags& flags) {
  const auto input = read_input(flags.values);
  leave_out_needs_sql(*input);
  print_diagnostics(*input);
  if (input->diagnostics.has_errors()) return exit_code(*input);
  auto password = admin_password(flags);
  sql::ignore_libpq_environment();  // PGPASSWORD was read; threads start later
  if (flags.admin.host.empty()) return audit_here(flags, *input);
  const render::ClusterPlan* plan = choose(*input, flags.cluster);
  if (plan == nullptr) return kUsage;

  audit::Targets targets{.admin = flags.admin};
  targets.admin.timeout = std::chrono::seconds(flags.timeout);
  targets.admin.require_auth = audit::kSafeLogins;
  for (const std::string& text : flags.poolers) {
    auto pooler = parse_pooler(text, targets.admin);
    if (!pooler)
      return usage(fmt::format("--pooler {} is not of the form NAME=HOST:PORT", printable(text)),
                   {});
    targets.others.push_back(std::move(*pooler));
  }
  targets.admin.channel_binding = flags.channel_binding;
  warn_of_weak_checks(targets);
  if (!password) {
    print_error(password.error());
    return kRefused;
  }
  targets.admin.password = std::move(*password);
  const auto tenants =
      TenantPasswords::make(flags.key, flags.passwords_file, *plan, input->options.ns);
  if (!tenants) {
    print_error(tenants.error());
    return kRefused;
  }
  targets.password = [&](std::string_view role) { return tenants->of(role); };

  return run_audit(sql::desired_of(input->values, *plan, input->options), targets,
                   options_of(flags, *plan->cluster),
                   {.json = flags.output == "json", .fix = flags.fix});
}

}  // namespace

void add_audit(Command program) {
  Command command = program.subcommand("audit", "Prove who can enter which database of a live server");
  auto flags = std::make_shared<Flags>();
  flags->values.add_to(command);
  flags->key.add_to(command);
  flags->local.add_to(command);
  command
      .option("--passwords-file", flags->passwords_file,
              "JSON {\"cluster\": {\"role\": \"password\"}}, readable by its owner only")
      .file();
  command.option("--cluster", flags->cluster, "which cluster of the values file (when it has several)");
  command.option("--host", flags->admin.host,
                 "the server: a name, an address, or the folder of a socket (default: this machine's clusters)");
  command.option("--port", flags->admin.port, "its port").show_default();
  command.option("--user", flags->admin.user, "a superuser").show_default();
  command.option("--dbname", flags->admin.database, "database to look from").show_default();
  command
      .option("--password-file", flags->password_file,
              "the superuser's password, readable by its owner only; else PGPASSWORD")
      .file();
  command
      .option("--sslmode", flags->admin.ssl_mode,
              "as psql's; default: verify-full, on this machine prefer; what is weaker gives passwords away")
      .choices({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"});
  command.option("--sslrootcert", flags->admin.ssl_root_cert, "as psql's; default: ~/.postgresql/root.crt").file();
  command.option("--channel-binding", flags->channel_binding, "of logins at the server itself: require or prefer")
      .choices({"require", "prefer"})
      .show_default();
  command.option("--pooler", flags->poolers, "knock there too: NAME=HOST:PORT; repeatable");
  command.option("--attempts", flags->attempts, "real logins: sample, all or none")
      .choices({"sample", "all", "none"})
      .show_default();
  command.option("--at-once", flags->at_once, "logins at the same time").range(1, 1000).show_default();
  command.option("--timeout", flags->timeout, "seconds for each login").range(1, 600).show_default();
  command.flag("--inside", flags->inside, "look into every database too");
  command.flag("--fix", flags->fix, "revoke and end what should not be, then audit again");
  command.option("-o,--output", flags->output, "text or json").choices({"text", "json"});
  command.run([flags] { return audit_cluster(*flags); });
}

}  // namespace dbm::cli
