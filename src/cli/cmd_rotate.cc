// cnpg-dbm rotate: new passwords for roles, and for everything that carries them.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"
#include "release/rotate.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  ReleaseFlags release;
  KubeFlags kube;
  release::RotateOptions rotate;
  std::string older_than, dry_run = "none", output = "text";
  bool wait = false;
  bool is_dry() const { return dry_run == "server"; }
};

/// A role as it is told: of a dry run, `rotated` is null.
struct Row {
  const release::RotateTarget* target;
  const release::Rotated* rotated;
};

std::vector<Row> rows_of(const release::RotatePlan& plan, const release::RotateOutcome& outcome, bool dry_run) {
  std::vector<Row> out;
  if (dry_run)
    for (const auto& target : plan.targets) out.push_back({&target, nullptr});
  else
    for (const auto& rotated : outcome.done) out.push_back({rotated.target, &rotated});
  return out;
}

std::vector<const release::LiveObject*> connections_of(const Row& row) {
  auto out = row.target->connections;
  if (row.rotated != nullptr) out.insert(out.end(), row.rotated->late.begin(), row.rotated->late.end());
  return out;
}

std::string text(const std::vector<Row>& rows, const release::Release& release, bool dry_run) {
  std::string out;
  size_t followed = 0;
  for (const auto& [target, rotated] : rows) {
    const size_t follow = connections_of({target, rotated}).size() - (rotated != nullptr ? rotated->behind : 0);
    followed += follow;
    out += fmt::format("{}/{} {}: secret/{}, {} connection {}\n", target->cluster, printable(target->role),
                       dry_run ? "would be rotated" : "rotated", target->secret->name, follow, follow == 1 ? "Secret" : "Secrets");
  }
  if (rows.empty()) return out + fmt::format("{} in {}: nothing to rotate\n", release.name, release.ns);
  return out + fmt::format("{} in {}: {} {}, {} connection {}\n", release.name, release.ns, rows.size(),
                           dry_run ? "would be rotated" : "rotated", followed, followed == 1 ? "Secret" : "Secrets");
}

/// `waited`: PostgreSQL has them all, as far as it was asked.
std::string json(const std::vector<Row>& rows, const release::Release& release, std::optional<bool> waited) {
  yaml::Arena arena;
  const auto text = [&](std::string_view t) { return yaml::Value::string(arena.copy(t)); };
  yaml::Value list = yaml::Value::list(arena);
  for (const auto& [target, rotated] : rows) {
    yaml::Value connections = yaml::Value::list(arena);
    for (const release::LiveObject* each : connections_of({target, rotated})) {
      yaml::Value connection = yaml::Value::map(arena);
      connection.append(arena, "namespace", text(each->ns));
      connection.append(arena, "name", text(each->name));
      connections.push(arena, connection);
    }
    yaml::Value one = yaml::Value::map(arena);
    one.append(arena, "cluster", text(target->cluster));
    one.append(arena, "role", text(target->role));
    one.append(arena, "secret", text(target->secret->name));
    one.append(arena, "connectionSecrets", connections);
    if (rotated != nullptr) {
      one.append(arena, "rotatedAt", text(rotated->at));
      one.append(arena, "behind", yaml::Value::integer(arena, static_cast<int64_t>(rotated->behind)));
    }
    list.push(arena, one);
  }
  yaml::Value out = yaml::Value::map(arena);
  out.append(arena, "release", text(release.name));
  out.append(arena, "namespace", text(release.ns));
  out.append(arena, "rotated", list);
  if (waited) out.append(arena, "inPostgreSQL", yaml::Value::boolean(*waited));
  std::string written;
  yaml::write_json(written, out, 2);
  return written + "\n";
}

void print_notices(const std::vector<std::string>& notices) {
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < std::min(notices.size(), kShown); ++i) print_warning(notices[i], {});
  if (notices.size() > kShown) print_warning(fmt::format("… and {} more roles that are passed over", notices.size() - kShown));
}

/// Until PostgreSQL has the new passwords.
int wait(kube::Client& client, const release::Release& release, const std::vector<release::Rotated>& done) {
  const auto missing = release::wait_for_passwords(client, release, done);
  if (!missing) return print_unanswered(missing.error());
  if (missing->empty()) return kDone;
  for (const std::string& role : *missing)
    print_error({fmt::format("PostgreSQL does not have the new password yet: {}", role), {}});
  fmt::print(stderr, "  help: CloudNativePG goes on by itself; until then the old password is good there\n");
  return kube::Client::interrupted() ? kInterrupted : kTimedOut;
}

int rotate(const Flags& flags) {
  const auto kubernetes = Kubernetes::open(flags.kube, flags.release.ns);
  if (kubernetes == nullptr) return kRefused;
  kube::Client& client = kubernetes->client();
  kube::Kinds kinds;
  const release::Release release = kubernetes->release(flags.release.name);
  release::Live live;
  if (auto looked = release::look_for_passwords(client, kinds, release, live); !looked) return print_unanswered(looked.error());
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto plan = release::plan_rotation(live, release, flags.rotate, now);
  if (!plan) return print_unanswered(plan.error());
  print_notices(plan->notices);
  if (const auto problems = release::try_rotation(client, release, *plan, flags.is_dry()); !problems.empty()) {
    const int exit = print_failures(problems);
    fmt::print(stderr, "cnpg-dbm: nothing was changed\n");
    return exit;
  }
  release::RotateOutcome outcome;
  if (!flags.is_dry()) {
    ProgressLine line;
    outcome = release::rotate(client, kinds, release, *plan, [&](const release::Progress& progress) {
      line.show(fmt::format("{} of {}", progress.done, progress.total));
    });
  }
  int exit = kDone;
  std::optional<bool> waited;
  if (flags.wait && !flags.is_dry() && outcome.failures.empty()) {
    exit = wait(client, release, outcome.done);
    waited = exit == kDone;
  }
  Stdout out;
  const auto rows = rows_of(*plan, outcome, flags.is_dry());
  out.write(flags.output == "json" ? json(rows, release, waited) : text(rows, release, flags.is_dry()));
  if (!outcome.failures.empty()) {
    exit = print_failures(outcome.failures);
    size_t behind = 0;
    for (const auto& rotated : outcome.done) behind += rotated.behind;
    if (behind > 0)
      fmt::print(stderr, "cnpg-dbm: {} connection {} the old password; the next apply, or rotate, mends that\n", behind,
                 behind == 1 ? "Secret has" : "Secrets have");
  }
  return finish(out, exit);
}

}  // namespace

void add_rotate(Command program) {
  Command command = program.subcommand("rotate", "New passwords for roles, in their Secrets and connection Secrets");
  auto flags = std::make_shared<Flags>();
  flags->release.add_to(command);
  flags->kube.add_to(command);
  const Option cluster = command.option("--cluster", flags->rotate.cluster, "cluster; all its roles without --role");
  Option role = command.option("--role", flags->rotate.role, "role of that cluster").needs(cluster);
  const Option older = command.option("--older-than", flags->older_than, "roles whose password is older: 90d")
                           .check([flags = flags.get()](const std::string& text) {
                             flags->rotate.older_than = parse_duration(text);
                             return flags->rotate.older_than ? std::string() : std::string("is no duration: 90d, 12h");
                           });
  role.excludes(older);
  command.option("--dry-run", flags->dry_run, "server: everything but writing").choices({"none", "server"});
  command.option("-o,--output", flags->output, "text or json").choices({"text", "json"});
  command.flag("--wait", flags->wait, "until PostgreSQL has the new passwords");
  command.run([flags] { return rotate(*flags); }, {cluster, older});
}

}  // namespace dbm::cli
