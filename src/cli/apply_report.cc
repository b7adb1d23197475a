#include "cli/apply_report.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "cli/json.h"
#include "cli/kubernetes.h"

namespace dbm::cli {
namespace {

using release::Action;

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

std::string summary(const Report& report, const release::Release& release, bool dry_run) {
  std::string out = fmt::format("{} in {}:", release.name, release.ns);
  for (const Action action : kActions)
    if (const size_t count = report.count(action); count > 0)
      out += fmt::format("{} {} {}", out.back() == ':' ? "" : ",", count, past(action, dry_run));
  return out.back() == ':' ? out + " nothing\n" : out + "\n";
}

std::string json(const Report& report, const release::Release& release) {
  yaml::Arena arena;
  Json out(arena);
  out.set("release", release.name).set("namespace", release.ns).set("unchanged", static_cast<int64_t>(report.count(Action::kSame)));
  for (const Action action : kActions) {
    if (action == Action::kSame) continue;
    yaml::Value list = yaml::Value::list(arena);
    for (const auto& [name, did] : report.done)
      if (did == action) list.push(arena, yaml::Value::string(arena.copy(name)));
    out.set(yaml::Key(key_of(action)), list);
  }
  return out.text();
}

}  // namespace

size_t Report::count(Action action) const {
  size_t out = action == Action::kSame ? same : 0;
  for (const auto& each : done) out += each.second == action ? 1 : 0;
  return out;
}

void Report::add(Report next) {
  std::set<std::string_view> named;
  size_t settled = 0;  // the next round found them as they should be
  for (const auto& [name, action] : done) {
    named.insert(name);
    settled += action != Action::kPrune && action != Action::kRelease ? 1 : 0;
  }
  settled -= std::min(settled, std::erase_if(next.done, [&](const auto& each) { return named.contains(each.first); }));
  same = next.same - std::min(next.same, settled);
  std::ranges::move(next.done, std::back_inserter(done));
}

void print(const Report& report, const release::Release& release, const ReportStyle& style, Stdout& out) {
  const bool dry_run = style.dry_run;
  if (style.output == "json") return out.write(json(report, release));
  for (const auto& [name, action] : report.done) {
    if (action == Action::kSame) continue;
    out.write(style.output == "name" ? fmt::format("{}\n", name) : fmt::format("{} {}\n", name, past(action, dry_run)));
  }
  if (style.output == "text") out.write(summary(report, release, dry_run));
}

Report planned(const release::Plan& plan, const release::Release& release) {
  Report out;
  for (const release::Step& step : plan.steps)
    if (step.action != Action::kSame) out.done.emplace_back(name_of(step, release), step.action);
  out.same = plan.count(Action::kSame);
  return out;
}

Report written(const release::Plan& plan, const release::Outcome& outcome, const release::Release& release) {
  Report out;
  out.same = plan.count(Action::kSame);
  for (const auto& done : outcome.done) out.done.emplace_back(name_of(*done.step, release), done.action);
  return out;
}

}  // namespace dbm::cli
