#include "release/plan.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "release/compare.h"
#include "release/connection.h"
#include "release/references.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

bool is_cluster(const kube::Resource& resource) {
  return resource.kind == "Cluster" && resource.group == "postgresql.cnpg.io";
}

/// A Secret with a role's password, of ours.
bool is_password(const LiveObject& live) {
  return is_password_secret(live) && label(live.value, kManagedBy) == "cnpg-dbm";
}

/// Applying it changes nothing. A password is not in what is applied (call_of), so that after a
/// first apply no entry of ours has it: that alone is no change.
bool is_as_wanted(const Object& object, const LiveObject& live) {
  if (!live.member) return false;
  if (!differs(object.value, live.value, kFieldManager)) return true;
  return object.made == Made::kOnce &&
         std::ranges::all_of(compare(object.value, live.value, kFieldManager), [](const FieldChange& change) {
           return change.change == Change::kOwned && change.path == ".data.password";
         });
}

class Planner {
 public:
  Planner(const Wanted& wanted, const Live& live, const Release& release, const PlanOptions& options)
      : wanted_(wanted), live_(live), release_(release), options_(options) {}

  Plan make() {
    for (const Object& object : wanted_.objects) want(object);
    for (const auto& [id, object] : live_.objects())
      if (object.member && !ids_.contains(id) && is_cluster(*object.resource))
        (options_.keep_clusters && !options_.allowed.contains(object.name) ? kept_ : doomed_).insert(object.name);
    for (const auto& [id, object] : live_.objects())
      if (!ids_.contains(id) && (object.member || is_left_over(object))) remove(object);
    // What uses comes before what is used: poolers and databases, their clusters, then Secrets.
    std::ranges::stable_sort(removals_, std::greater(), [](const Step& s) { return stage_of(s.resource()); });
    plan_.steps.insert(plan_.steps.end(), removals_.begin(), removals_.end());
    parents();
    return std::move(plan_);
  }

 private:
  void want(const Object& object) {
    ids_.insert(object.id());
    const LiveObject* live = live_.find(object.id());
    Step step{Action::kCreate, &object, live};
    if (live != nullptr) {
      if (refuse_others(step)) return;
      const bool same = is_as_wanted(object, *live);
      step.action = same ? Action::kSame : Action::kChange;
      if (!same) {
        guard([&](std::vector<Danger>& found) { guard_change(*live, object, found); });
        notice_change(*live, object, plan_.notices);
      }
    }
    plan_.steps.push_back(step);
  }
  /// True: it is somebody else's, and stays so.
  bool refuse_others(const Step& step) {
    const Owner owner = owner_of(step.live->value, release_);
    if (owner == Owner::kUs || (owner == Owner::kNobody && step.wanted->made == Made::kForeign)) return false;
    const std::string about = step.about(release_);
    switch (owner) {
      case Owner::kHelm:
        plan_.refusals.push_back({fmt::format("{} belongs to a release of Helm ({})", about,
                                              printable(annotation(step.live->value, "meta.helm.sh/release-name"))),
                                  "cnpg-dbm adopt takes it over, with a proof beforehand that nothing restarts"});
        break;
      case Owner::kRelease:
        plan_.refusals.push_back({fmt::format("{} belongs to another release ({})", about,
                                              printable(label(step.live->value, kInstance))),
                                  "give it another name, or remove it there first"});
        break;
      default:
        plan_.refusals.push_back({fmt::format("{} is there already and is not ours", about),
                                  fmt::format("give it another name; or hand it over: label it {}=cnpg-dbm and {}={}", kManagedBy,
                                              kInstance, release_.name)});
    }
    return true;
  }
  /// A password that was kept for a cluster that goes now.
  bool is_left_over(const LiveObject& object) const {
    return is_password(object) && owner_of(object.value, release_) == Owner::kUs && doomed_.contains(label(object.value, kClusterLabel));
  }
  /// Secrets that something names which stays: whoever takes one out of the file, to look after it
  /// himself, does not want it to be gone.
  bool is_named(const LiveObject& object) {
    if (object.resource->kind != "Secret" || object.ns != release_.ns) return false;
    if (!named_) {
      named_.emplace();
      const auto take = [&](const yaml::Value& value) {
        for (SecretReference& reference : secret_references(value)) named_->insert(std::move(reference.name));
      };
      for (const Object& wanted : wanted_.objects) take(wanted.value);
      for (const auto& [id, live] : live_.objects())
        if (live.member && !ids_.contains(id) && is_kept(live)) take(live.value);
    }
    return named_->contains(object.name);
  }
  /// A cluster that stays, and what it runs and is backed up with.
  bool is_kept(const LiveObject& object) const {
    const std::string_view kind = object.resource->kind;
    if (is_cluster(*object.resource)) return kept_.contains(object.name);
    if (kind == "ImageCatalog" || kind == "ClusterImageCatalog") return !kept_.empty();
    if (kind == "Database")  // its removal would drop it
      return text_at(object.value, {"spec", "databaseReclaimPolicy"}) == "delete" &&
             kept_.contains(text_at(object.value, {"spec", "cluster", "name"})) && !options_.allowed.contains(object.name);
    const bool needed = kind == "ObjectStore" || kind == "ScheduledBackup" || kind == "ExternalSecret" ||
                        (kind == "Secret" && !label(object.value, "cnpg.io/reload").empty());
    return needed && kept_.contains(label(object.value, kClusterLabel));
  }
  void remove(const LiveObject& object) {
    Step step{Action::kPrune, nullptr, &object};
    if (is_kept(object)) {
      step.action = Action::kRelease;
    } else if (is_password(object) && !doomed_.contains(label(object.value, kClusterLabel))) {
      step.action = Action::kRelease;
    } else if (is_named(object)) {
      step.action = Action::kRelease;
      plan_.notices.push_back(fmt::format("{} is named by what stays: it stays too, and is yours", step.about(release_)));
    } else {
      guard([&](std::vector<Danger>& found) { guard_removal(object, found); });
      if (object.resource->kind == "Database" && text_at(object.value, {"spec", "databaseReclaimPolicy"}) != "delete" &&
          !doomed_.contains(text_at(object.value, {"spec", "cluster", "name"})))
        plan_.notices.push_back(fmt::format("Database {} is removed; database {} is retained in PostgreSQL, with its data", object.name,
                                            printable(text_at(object.value, {"spec", "name"}))));
    }
    removals_.push_back(step);
  }
  template <class Find>
  void guard(const Find& find) {
    std::vector<Danger> found;
    find(found);
    for (Danger& danger : found) {
      const bool allowed = options_.allowed.contains(danger.name) || options_.allowed.contains(danger.object) ||
                           options_.allowed.contains(with_slash(danger.object));
      if (!allowed) plan_.dangers.push_back(std::move(danger));
    }
  }
  /// "Cluster main" as "Cluster/main".
  static std::string with_slash(std::string object) {
    std::ranges::replace(object, ' ', '/');
    return object;
  }
  void parents() {
    plan_.before = live_.set();
    if (live_.parent() != nullptr) plan_.parent = seen_parent(*live_.parent());
    for (const Step& step : plan_.steps) {
      if (step.wanted == nullptr) continue;
      plan_.after.group_kinds.emplace(step.wanted->group_kind);
      if (!step.wanted->ns.empty() && step.wanted->ns != release_.ns) plan_.after.namespaces.emplace(step.wanted->ns);
    }
    plan_.after.cnpg_api = options_.cnpg_api.empty() ? plan_.before.cnpg_api : options_.cnpg_api;
    plan_.after.adopted = plan_.before.adopted;
    plan_.during = plan_.after;
    plan_.during.add(plan_.before);
  }

  const Wanted& wanted_;
  const Live& live_;
  const Release& release_;
  const PlanOptions& options_;
  std::set<Id> ids_;
  std::set<std::string_view> doomed_, kept_;  // clusters that are not wanted: deleted, or left alone
  std::optional<std::set<std::string, std::less<>>> named_;  // Secrets
  std::vector<Step> removals_;
  Plan plan_;
};

}  // namespace

std::string_view Step::cluster() const {
  if (wanted != nullptr) return wanted->cluster;
  return is_cluster(*live->resource) ? live->name : label(live->value, kClusterLabel);
}

std::string Step::about(const Release& release) const { return about_object(resource().kind, name(), ns(), release); }

size_t Plan::count(Action action) const {
  return static_cast<size_t>(std::ranges::count(steps, action, &Step::action));
}

bool Plan::is_nothing() const {
  return before == after && std::ranges::all_of(steps, [](const Step& s) { return s.action == Action::kSame; });
}

Plan make_plan(const Wanted& wanted, const Live& live, const Release& release, const PlanOptions& options) {
  return Planner(wanted, live, release, options).make();
}

}  // namespace dbm::release
