#pragma once

// What each step of a plan changes, field by field, with the server's help where it is needed: what
// is new or goes is known here; what changes is settled by a dry run.

#include <vector>

#include "release/compare.h"
#include "release/write.h"

namespace dbm::release {

/// `fields` of a kCreate, kChange; `conflict`: why the server would refuse it. A change that the
/// server says is none becomes kSame.
struct StepChanges {
  const Step* step = nullptr;
  Action action = Action::kSame;
  std::vector<FieldChange> fields;
  std::optional<Error> refusal;
};

/// The changes of all steps but those that are kSame, in their order. The fields' values live as
/// long as the result.
struct Changes {
  std::vector<StepChanges> steps;
  std::deque<kube::Listing::Page> pages;  // of the dry runs' answers
};
Changes find_changes(kube::Client& client, const Release& release, const Plan& plan, bool force_conflicts);

}  // namespace dbm::release
