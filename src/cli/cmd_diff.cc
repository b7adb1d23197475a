// cnpg-dbm diff: what apply would change, field by field.

#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
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

bool use_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

class Printer {
 public:
  explicit Printer(Stdout& out) : out_(out), colour_(use_colour()) {}

  void step(const release::StepChanges& change, const release::Release& release) {
    const std::string about = change.step->about(release);
    switch (change.action) {
      case Action::kCreate: line('+', about); break;
      case Action::kPrune: line('-', about); return;
      case Action::kRelease: line('-', about + " (kept, no longer managed)"); return;
      case Action::kChange: line('~', about); break;
      case Action::kSame: return;
    }
    for (const release::FieldChange& field : change.fields) print(field);
    if (change.refusal) line('!', change.refusal->message, "  ");
  }

 private:
  void line(char sign, std::string_view text, std::string_view indent = "") {
    const std::string_view colour = !colour_ ? "" : sign == '+' ? "\033[32m" : sign == '-' ? "\033[31m" : sign == '!' ? "\033[35m" : "\033[33m";
    out_.write(fmt::format("{}{}{} {}{}\n", indent, colour, sign, text, colour_ ? "\033[0m" : ""));
  }
  static std::string text(const yaml::Value& value, bool secret) {
    if (secret) return "(secret)";
    std::string out;
    yaml::write_json(out, value);
    return printable(out, 300);
  }
  void print(const release::FieldChange& field) {
    switch (field.change) {
      case Change::kAdded: return line('+', fmt::format("{}: {}", field.path, text(field.after, field.secret)), "    ");
      case Change::kRemoved: return line('-', fmt::format("{}: {}", field.path, text(field.before, field.secret)), "    ");
      case Change::kOwned: return line('~', fmt::format("{}: becomes ours", field.path), "    ");
      case Change::kChanged:
        if (field.secret) return line('~', fmt::format("{}: changed (secret)", field.path), "    ");
        return line('~', fmt::format("{}: {} -> {}", field.path, text(field.before, false), text(field.after, false)), "    ");
    }
  }

  Stdout& out_;
  bool colour_;
};

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
  Printer printer(out);
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

void add_diff(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("diff", "What apply would change on a Kubernetes cluster (exit code 0: nothing, 1: something)");
  auto flags = std::make_shared<ApplyFlags>();
  flags->add_to(*command);
  command->add_option("-o,--output", flags->output, "text or json")->check(CLI::IsMember({"text", "json"}));
  command->callback([flags, &exit] { exit = diff(*flags); });
}

}  // namespace dbm::cli
