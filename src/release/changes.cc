#include "release/changes.h"

#include "kube/json.h"

namespace dbm::release {
namespace {

/// The answer of a dry run against what is there.
void take_answer(StepChanges& change, const Release& release, kube::Answer&& answer, kube::Listing::Page& page) {
  if (!answer.ok()) {
    change.refusal = explain(change.step->about(release), answer.error());
    change.fields = compare(change.step->wanted->value, change.step->live->value, kFieldManager);
    return;
  }
  page.body = answer.take_body();
  const auto after = kube::read_json(page.arena, page.body);
  if (!after) {
    change.refusal = Error(after.error()).about(change.step->about(release));
    return;
  }
  change.fields = compare_live(change.step->live->value, *after);
  if (change.fields.empty()) change.action = Action::kSame;
}

}  // namespace

Changes find_changes(kube::Client& client, const Release& release, const Plan& plan, bool force_conflicts) {
  Changes out;
  for (const Step& step : plan.steps)
    if (step.action != Action::kSame) out.steps.push_back({&step, step.action, {}, std::nullopt});
  for (StepChanges& change : out.steps) {
    const Step& step = *change.step;
    if (step.action == Action::kCreate) change.fields = all_added(step.wanted->value);
    if (step.action != Action::kChange) continue;
    const ApplyOptions options{.force = force_conflicts || step.wanted->made == Made::kOnce, .dry_run = true};
    auto& page = out.pages.emplace_back();
    client.submit(call_of(step, options), [&change, &release, &page](kube::Answer&& answer) {
      take_answer(change, release, std::move(answer), page);
    });
  }
  client.drive();
  return out;
}

}  // namespace dbm::release
