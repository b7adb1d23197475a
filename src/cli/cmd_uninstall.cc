// cnpg-dbm uninstall: removes what apply made, under the guard.

#include <fmt/format.h>

#include "cli/apply_report.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"

namespace dbm::cli {
namespace {

struct Flags {
  ReleaseFlags release;
  KubeFlags kube;
  std::vector<std::string> allowed;
  bool keep_data = false, wait = false;
  std::string dry_run = "none", output = "text";
};

/// What the guard holds back, with both ways on.
int refuse(const release::Plan& plan) {
  print_dangers(plan.dangers);
  fmt::print(stderr, "        or --keep-data: clusters stay as they are, with their data, passwords and backups\n");
  return kGuarded;
}

/// Until the last object is gone: finalizers and garbage collection take their time.
int wait_until_gone(release::Session& session) {
  while (true) {
    if (auto looked = session.look_for_all(); !looked) return print_unanswered(looked.error());
    bool any = false;
    for (const auto& [id, object] : session.live().objects()) any |= object.member;
    if (!any) return kDone;
    if (session.client().is_late()) {
      print_error({"waited as long as --timeout says", "objects are still being removed"});
      return kTimedOut;
    }
    session.client().pause(std::chrono::milliseconds(300));
  }
}

int uninstall(const Flags& flags) {
  const auto kubernetes = Kubernetes::open(flags.kube, flags.release.ns);
  if (kubernetes == nullptr) return kRefused;
  kube::Client& client = kubernetes->client();
  release::Session session(client, kubernetes->release(flags.release.name));
  auto looked = session.look_for_parent();
  if (looked && session.live().parent() == nullptr) {
    print_error({fmt::format("there is no release {} in namespace {}", flags.release.name, kubernetes->ns()), "-n says where"});
    return kRefused;
  }
  if (looked) looked = session.look_for_all();
  if (!looked) return print_unanswered(looked.error());
  release::PlanOptions options;
  options.allowed.insert(flags.allowed.begin(), flags.allowed.end());
  options.keep_clusters = flags.keep_data;
  const release::Plan plan = session.plan(options);
  if (!plan.dangers.empty()) return refuse(plan);
  for (const std::string& notice : plan.notices) print_warning(notice);
  Stdout out;
  const ReportStyle style{flags.output, flags.dry_run == "server"};
  if (style.dry_run) {
    print(planned(plan, session.release()), session.release(), style, out);
    return finish(out, kDone);
  }
  ProgressLine line;
  const auto outcome = release::write(client, session.release(), plan, {.narrow_parent = false, .progress = [&](const release::Progress& progress) {
                                        line.show(fmt::format("{} of {}", progress.done, progress.total));
                                      }});
  line.end();
  print(written(plan, outcome, session.release()), session.release(), style, out);
  if (!outcome.failures.empty()) return finish(out, print_failures(outcome.failures));
  out.flush();
  // Its parent goes last: until then another run finds what is left.
  if (flags.wait)
    if (const int exit = wait_until_gone(session); exit != kDone) return finish(out, exit);
  if (auto removed = release::remove_parent(client, session.release(), plan.parent); !removed) return finish(out, print_unanswered(removed.error()));
  return finish(out, kDone);
}

}  // namespace

void add_uninstall(Command program) {
  Command command = program.subcommand("uninstall", "Remove what apply made; data only when told");
  auto flags = std::make_shared<Flags>();
  flags->release.add_to(command);
  flags->kube.add_to(command);
  command.flag("--keep-data", flags->keep_data, "clusters stay, with their data, passwords and backups, and are managed no more");
  command.option("--allow-destroy", flags->allowed, "cluster or database whose data may go");
  command.option("--dry-run", flags->dry_run, "server: only say what would go").choices({"none", "server"});
  command.option("-o,--output", flags->output, "text, name or json").choices({"text", "name", "json"});
  command.flag("--wait", flags->wait, "until everything is gone");
  command.run([flags] { return uninstall(*flags); });
}

}  // namespace dbm::cli
