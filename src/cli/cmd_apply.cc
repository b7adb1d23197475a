// cnpg-dbm apply: makes a values file true on a Kubernetes API with CloudNativePG.

#include <fmt/format.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"
#include "release/preflight.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

using release::Action;

struct Flags : ApplyFlags {
  std::string dry_run = "none";
  bool wait = false;
};

std::string_view past(Action action, bool dry_run) {
  switch (action) {
    case Action::kCreate: return dry_run ? "would be created" : "created";
    case Action::kChange: return dry_run ? "would be changed" : "changed";
    case Action::kPrune: return dry_run ? "would be removed" : "removed";
    case Action::kRelease: return dry_run ? "would be kept, no longer managed" : "kept, no longer managed";
    case Action::kSame: return "unchanged";
  }
  return "";
}

std::string_view key_of(Action action) {
  switch (action) {
    case Action::kCreate: return "created";
    case Action::kChange: return "changed";
    case Action::kPrune: return "removed";
    case Action::kRelease: return "released";
    case Action::kSame: return "unchanged";
  }
  return "";
}

constexpr Action kActions[] = {Action::kCreate, Action::kChange, Action::kPrune, Action::kRelease, Action::kSame};

/// What was done, in the order that it was done in.
struct Report {
  std::vector<std::pair<const release::Step*, Action>> done;
  size_t same = 0;

  size_t count(Action action) const {
    size_t out = action == Action::kSame ? same : 0;
    for (const auto& each : done) out += each.second == action ? 1 : 0;
    return out;
  }
};

std::string summary(const Report& report, const release::Release& release, bool dry_run) {
  std::string out = fmt::format("{} in {}:", release.name, release.ns);
  for (const Action action : kActions)
    if (const size_t count = report.count(action); count > 0)
      out += fmt::format("{} {} {}", out.back() == ':' ? "" : ",", count, past(action, dry_run));
  return out.back() == ':' ? out + " nothing\n" : out + "\n";
}

std::string json(const Report& report, const release::Release& release) {
  yaml::Arena arena;
  yaml::Value out = yaml::Value::map(arena);
  out.append(arena, "release", yaml::Value::string(release.name));
  out.append(arena, "namespace", yaml::Value::string(release.ns));
  for (const Action action : kActions) {
    if (action == Action::kSame) {
      out.append(arena, "unchanged", yaml::Value::integer(arena, static_cast<int64_t>(report.count(action))));
      continue;
    }
    yaml::Value list = yaml::Value::list(arena);
    for (const auto& [step, did] : report.done)
      if (did == action) list.push(arena, yaml::Value::string(arena.copy(name_of(*step))));
    out.append(arena, yaml::Key(key_of(action)), list);
  }
  std::string text;
  yaml::write_json(text, out, 2);
  return text + "\n";
}

void print(const Report& report, const release::Release& release, const Flags& flags, Stdout& out) {
  const bool dry_run = flags.dry_run == "server";
  if (flags.output == "json") return out.write(json(report, release));
  for (const auto& [step, action] : report.done) {
    if (action == Action::kSame) continue;
    out.write(flags.output == "name" ? fmt::format("{}\n", name_of(*step))
                                     : fmt::format("{} {}\n", name_of(*step), past(action, dry_run)));
  }
  if (flags.output == "text") out.write(summary(report, release, dry_run));
}

Report planned(const release::Plan& plan) {
  Report out;
  for (const release::Step& step : plan.steps)
    if (step.action != Action::kSame) out.done.emplace_back(&step, step.action);
  out.same = plan.count(Action::kSame);
  return out;
}

Report written(const release::Plan& plan, const release::Outcome& outcome) {
  Report out;
  out.same = plan.count(Action::kSame);
  for (const auto& done : outcome.done) out.done.emplace_back(done.step, done.action);
  return out;
}

/// What must be settled before anything is written; kDone: go on.
int judge(ReleaseRun& run, const release::Plan& plan, bool force) {
  for (const Error& refusal : plan.refusals) print_error(refusal);
  if (!plan.dangers.empty()) print_dangers(plan.dangers);
  if (!plan.refusals.empty()) return kRefused;
  if (!plan.dangers.empty()) return kGuarded;
  if (plan.is_nothing()) return kDone;
  const auto problems = release::preflight(run.client(), run.session().kinds(), run.release(), plan, run.session().wanted(), force);
  if (problems.empty()) return kDone;
  const int exit = print_failures(problems);
  fmt::print(stderr, "cnpg-dbm: nothing was changed\n");
  return exit;
}

/// One round of looking, judging and writing; nothing when somebody else was quicker.
std::optional<int> round(ReleaseRun& run, const Flags& flags, Stdout& out) {
  const release::Plan plan = run.plan();
  if (const int exit = judge(run, plan, flags.force_conflicts); exit != kDone) return exit;
  for (const std::string& notice : plan.notices) print_warning(notice);
  if (flags.dry_run == "server" || plan.is_nothing()) {
    print(planned(plan), run.release(), flags, out);
    return kDone;
  }
  ProgressLine line;
  release::WriteOptions options{.force_conflicts = flags.force_conflicts, .progress = [&](const release::Progress& progress) {
                                  line.show(fmt::format("{} of {}", progress.done, progress.total));
                                }};
  const release::Outcome outcome = release::write(run.client(), run.release(), plan, options);
  line.end();
  if (outcome.overtaken) return std::nullopt;
  print(written(plan, outcome), run.release(), flags, out);
  if (outcome.failures.empty()) return kDone;
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
  Stdout out;
  for (int i = 0; i < kRounds; ++i) {
    if (i > 0 && !run->look(exit)) return exit;
    if (const auto ended = round(*run, flags, out)) return finish(out, *ended);
  }
  print_error({"another apply of this release writes at the same time", "try again when it is done"});
  return kRefused;
}

}  // namespace

void add_apply(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("apply", "Make a values file true on a Kubernetes cluster");
  auto flags = std::make_shared<Flags>();
  flags->add_to(*command);
  command->add_option("--dry-run", flags->dry_run, "server: everything but writing")->check(CLI::IsMember({"none", "server"}));
  command->add_option("-o,--output", flags->output, "text, name or json")->check(CLI::IsMember({"text", "name", "json"}));
  command->add_flag("--wait", flags->wait, "until everything is ready");
  command->callback([flags, &exit] { exit = apply(*flags); });
}

}  // namespace dbm::cli
