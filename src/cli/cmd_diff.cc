// cnpg-dbm diff: what apply would change, field by field.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/diff_report.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"
#include "release/changes.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

using release::Action;
using release::Change;

/// As kubectl diff: 0 the same, 1 differs, more: an error.
enum DiffExit : int { kSame = 0, kDiffers = 1, kDiffFailed = 2 };

std::string change_word(Change change) {
  switch (change) {
    case Change::kAdded: return "added";
    case Change::kRemoved: return "removed";
    case Change::kOwned: return "owned";
    case Change::kChanged: return "changed";
  }
  return "";
}

std::string json(const release::Changes& changes, const release::Plan& plan) {
  yaml::Arena arena;
  using yaml::Value;
  const auto text = [&](std::string_view t) { return Value::string(arena.copy(t)); };
  Value steps = Value::list(arena);
  for (const release::StepChanges& change : changes.steps) {
    if (change.action == Action::kSame) continue;
    Value one = Value::map(arena);
    one.append(arena, "object", text(name_of(*change.step)));
    one.append(arena, "namespace", text(change.step->ns()));
    one.append(arena, "action", Value::string(change.action == Action::kCreate   ? "create"
                                              : change.action == Action::kChange ? "change"
                                              : change.action == Action::kPrune  ? "remove"
                                                                                 : "release"));
    Value fields = Value::list(arena);
    for (const release::FieldChange& field : change.fields) {
      Value entry = Value::map(arena);
      entry.append(arena, "path", text(field.path));
      entry.append(arena, "change", text(change_word(field.change)));
      if (field.secret) entry.append(arena, "secret", Value::boolean(true));
      if (!field.secret && field.change != Change::kAdded) entry.append(arena, "before", field.before);
      if (!field.secret && field.change != Change::kRemoved) entry.append(arena, "after", field.after);
      fields.push(arena, entry);
    }
    one.append(arena, "fields", fields);
    if (change.refusal) one.append(arena, "refused", text(change.refusal->message));
    steps.push(arena, one);
  }
  Value dangers = Value::list(arena);
  for (const release::Danger& danger : plan.dangers) {
    Value one = Value::map(arena);
    one.append(arena, "object", text(danger.object));
    one.append(arena, "what", text(danger.what));
    one.append(arena, "allowDestroy", text(danger.name));
    dangers.push(arena, one);
  }
  Value out = Value::map(arena);
  out.append(arena, "changes", steps);
  out.append(arena, "dangers", dangers);
  std::string written;
  yaml::write_json(written, out, 2);
  return written + "\n";
}

int diff(const ApplyFlags& flags) {
  int exit = kDone;
  const auto run = ReleaseRun::open(flags, exit);
  if (run == nullptr) return exit == kInterrupted ? exit : kDiffFailed;
  const release::Plan plan = run->plan();
  const release::Changes changes = release::find_changes(run->client(), run->release(), plan, flags.force_conflicts);
  if (kube::Client::interrupted()) return kInterrupted;
  bool differs = !plan.dangers.empty();
  Stdout out;
  DiffPrinter printer(out);
  for (const release::StepChanges& change : changes.steps) {
    differs |= change.action != Action::kSame;
    if (flags.output != "json") printer.step(change, run->release());
  }
  if (flags.output == "json") out.write(json(changes, plan));
  for (const std::string& notice : plan.notices) print_warning(notice);
  for (const Error& refusal : plan.refusals) print_error(refusal);
  for (const release::Danger& danger : plan.dangers)
    print_warning(fmt::format("apply refuses: {}: {}", danger.object, danger.what), fmt::format("--allow-destroy {} lets it through", danger.name));
  return finish(out, !plan.refusals.empty() ? kDiffFailed : differs ? kDiffers : kSame);
}

}  // namespace

void add_diff(Command program) {
  Command command = program.subcommand("diff", "What apply would change on a Kubernetes cluster (exit code 0: nothing, 1: something)");
  auto flags = std::make_shared<ApplyFlags>();
  flags->add_to(command);
  command.option("-o,--output", flags->output, "text or json").choices({"text", "json"});
  command.run([flags] { return diff(*flags); });
}

}  // namespace dbm::cli
