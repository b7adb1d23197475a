#pragma once

// What an apply would do: wanted objects against live ones. Pure: no server is asked, nothing is
// written.

#include <set>
#include <string>
#include <vector>

#include "release/guard.h"

namespace dbm::release {

enum class Action : uint8_t {
  kSame,
  kCreate,
  kChange,
  kPrune,    // a member that is not wanted any more is deleted
  kRelease,  // it stays and is no member any more: passwords of roles that PostgreSQL still has
};

/// Of `wanted` and `live` one may be null. Both outlive the plan.
struct Step {
  Action action = Action::kSame;
  const Object* wanted = nullptr;
  const LiveObject* live = nullptr;

  const kube::Resource& resource() const { return wanted != nullptr ? *wanted->resource : *live->resource; }
  std::string_view ns() const { return wanted != nullptr ? wanted->ns : live->ns; }
  std::string_view name() const { return wanted != nullptr ? wanted->name : live->name; }
  std::string_view cluster() const;
  /// "Database shop-orders", with its namespace when that is not the release's.
  std::string about(const Release& release) const;
};

struct Plan {
  std::vector<Step> steps;  // in the order of writing
  std::vector<Danger> dangers;
  std::vector<Error> refusals;       // objects of others where ours should be
  std::vector<std::string> notices;  // what one should know
  ApplySet before, during, after;    // the parent's: as it is, while objects are written, at the end
  SeenParent parent;                 // of `before`

  size_t count(Action action) const;
  /// True when there is nothing to write.
  bool is_nothing() const;
};

struct PlanOptions {
  std::set<std::string, std::less<>> allowed = {};  // --allow-destroy
  /// Clusters that are not wanted, and not allowed to go, stay with what they need: released.
  bool keep_clusters = false;
  std::string cnpg_api = {};  // for the parent
};

Plan make_plan(const Wanted& wanted, const Live& live, const Release& release, const PlanOptions& options);

}  // namespace dbm::release
