// cnpg-dbm apply: makes a values file true on a Kubernetes API with CloudNativePG.

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/apply_report.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"
#include "cli/live_table.h"
#include "release/preflight.h"
#include "release/wait.h"

namespace dbm::cli {
namespace {

struct Flags : ApplyFlags {
  std::string dry_run = "none";
  bool wait = false;
};

ReportStyle style(const Flags& flags) { return {flags.output, flags.dry_run == "server"}; }

/// What must be settled before anything is written; kDone: go on.
int judge(ReleaseRun& run, const release::Plan& plan, bool force) {
  for (const Error& refusal : plan.refusals) print_error(refusal);
  if (!plan.dangers.empty()) print_dangers(plan.dangers);
  if (!plan.refusals.empty()) return kRefused;
  if (!plan.dangers.empty()) return kGuarded;
  if (plan.is_nothing()) return kDone;
  const auto problems = release::preflight(run.client(), run.release(), plan, run.session().wanted(), force);
  if (problems.empty()) return kDone;
  const int exit = print_failures(problems);
  fmt::print(stderr, "cnpg-dbm: nothing was changed\n");
  return exit;
}

/// Follows everything that the file wants until it is ready.
int wait(ReleaseRun& run, const Flags& flags, Stdout& out) {
  release::Targets targets;
  for (const release::Object& object : run.session().wanted().objects)
    if (release::has_readiness(object.resource->kind)) targets[std::string(object.group_kind)].emplace_back(object.ns, object.name);
  const auto began = kube::Client::Clock::now();
  LiveTable table;
  const auto result = release::wait_until_ready(run.client(), run.session().kinds(), run.release(), targets,
                                                [&](const auto& followed) { table.show(followed); });
  table.clear();
  if (!result.failure) return print_unanswered(result.failure.error());
  if (result.ready) {
    if (flags.output != "text") return kDone;
    const auto took = std::chrono::duration<double>(kube::Client::Clock::now() - began).count();
    out.write(fmt::format("{} in {}: ready after {:.1f} s\n", run.release().name, run.release().ns, took));
    return kDone;
  }
  for (const release::Followed& each : result.followed)
    if (each.readiness.state != release::State::kReady)
      print_error({fmt::format("{} is not ready: {}", name_of(each), printable(each.readiness.message, 1000)), {}});
  if (result.interrupted) return kInterrupted;
  print_error({"waited as long as --timeout says", "what was applied stays; apply --wait again goes on waiting"});
  return kTimedOut;
}

/// What carries passwords and was written, if anything was.
bool wrote_passwords(const release::Outcome& outcome) {
  return std::ranges::any_of(outcome.done, [](const release::Outcome::Done& done) {
    return done.step->wanted != nullptr && done.step->wanted->made != release::Made::kOnce && done.step->resource().kind == "Secret";
  });
}

void add(std::optional<Report>& report, Report next) {
  if (!report) report.emplace();
  report->add(std::move(next));
}

/// One round of judging and writing; nothing when somebody else was quicker: look again.
std::optional<int> round(ReleaseRun& run, const Flags& flags, std::optional<Report>& report) {
  const release::Plan plan = run.plan();
  if (const int exit = judge(run, plan, flags.force_conflicts); exit != kDone) return exit;
  for (const std::string& notice : plan.notices) print_warning(notice);
  if (flags.dry_run == "server" || plan.is_nothing()) {
    add(report, planned(plan, run.release()));
    return kDone;
  }
  ProgressLine line;
  release::WriteOptions options{.force_conflicts = flags.force_conflicts, .progress = [&](const release::Progress& progress) {
                                  line.show(fmt::format("{} of {}", progress.done, progress.total));
                                }};
  const release::Outcome outcome = release::write(run.client(), run.release(), plan, options);
  line.end();
  add(report, written(plan, outcome, run.release()));
  if (outcome.overtaken) return std::nullopt;
  if (outcome.failures.empty()) {
    if (!wrote_passwords(outcome)) return kDone;
    const auto changed = run.session().passwords_changed();
    if (!changed) return print_unanswered(changed.error());
    return *changed ? std::nullopt : std::optional(kDone);
  }
  const int exit = print_failures(outcome.failures);
  fmt::print(stderr, "cnpg-dbm: {} written, {} failed, {} not tried; the next apply goes on from there\n", outcome.done.size(),
             outcome.failures.size(), outcome.skipped);
  return exit;
}

int apply(const Flags& flags) {
  constexpr int kRounds = 5;
  int exit = kDone;
  const auto run = ReleaseRun::open(flags, exit);
  if (run == nullptr) return exit;
  std::optional<Report> report;
  std::optional<int> ended;
  for (int i = 0; i < kRounds && !ended; ++i)
    ended = i > 0 && !run->look_again(exit) ? exit : round(*run, flags, report);
  if (!ended) print_error({"others write this release at the same time", "try again when they are done"});
  Stdout out;
  if (report) print(*report, run->release(), style(flags), out);
  if (ended == kDone && flags.wait && flags.dry_run != "server") {
    out.flush();
    ended = wait(*run, flags, out);
  }
  return finish(out, ended.value_or(kRefused));
}

}  // namespace

void add_apply(Command program) {
  Command command = program.subcommand("apply", "Make a values file true on a Kubernetes cluster");
  auto flags = std::make_shared<Flags>();
  flags->add_to(command);
  command.option("--dry-run", flags->dry_run, "server: everything but writing").choices({"none", "server"});
  command.option("-o,--output", flags->output, "text, name or json").choices({"text", "name", "json"});
  command.flag("--wait", flags->wait, "until everything is ready");
  command.run([flags] { return apply(*flags); });
}

}  // namespace dbm::cli
