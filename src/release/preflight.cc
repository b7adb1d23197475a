#include "release/preflight.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/quantity.h"
#include "cnpg/volume.h"
#include "kube/json.h"
#include "kube/list.h"
#include "release/references.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using kube::Answer;
using kube::Call;
using kube::Verb;

constexpr size_t kTriedOfAKind = 100;  // writes of one sort to one kind in one namespace that are tried
constexpr size_t kManyRoles = 500;     // past that a Cluster's size is looked at
constexpr size_t kEtcdTakes = 3 << 19;  // bytes of one request: etcd's default of --max-request-bytes

/// All roles of a Cluster stand in its object: some 8,000 are the most.
bool may_be_too_large(const Step& step) {
  return step.wanted != nullptr && items_at(step.wanted->value, {"spec", "managed", "roles"}).size() > kManyRoles;
}

class Preflight {
 public:
  Preflight(kube::Client& client, const Release& release, const Plan& plan, const Wanted& wanted)
      : client_(client), release_(release), plan_(plan) {
    for (const Object& object : wanted.objects)
      if (object.resource->kind == "Secret") ours_.insert({object.ns, object.name});
      else if (object.resource->kind == "Namespace") new_namespaces_.insert(object.name);
  }

  std::vector<Failure> run(bool force) {
    dry_runs(force);
    references();
    quotas();
    client_.drive();
    return std::move(found_);
  }

 private:
  void fail(std::string object, Error error, bool forbidden = false) {
    found_.push_back({std::move(object), std::move(error), forbidden, false, false});
  }
  void fail(std::string object, const kube::ApiError& error) {
    Error explained = explain(object, error);
    if (error.status == 404) {
      if (!said_.insert(error.message).second) return;
      explained.hint = error.message.starts_with("namespaces ")
                           ? "make the namespace first (kubectl create namespace), or let the file make it: extraObjects"
                           : "is the operator of this kind (CloudNativePG, most of them) installed on this cluster?";
    }
    if (error.message.find("failed calling webhook") != std::string::npos && !said_.insert("webhook").second) return;
    found_.push_back({std::move(object), std::move(explained), error.status == 403, error.timed_out(), error.interrupted()});
  }

  /// The server, its webhooks and its rights judge: everything, and of what comes by the thousand the
  /// first of each sort, kind and place.
  void dry_runs(bool force) {
    std::map<std::tuple<std::string_view, std::string_view, Action>, size_t> tried;
    for (const Step& step : plan_.steps) {
      if (step.action == Action::kSame || new_namespaces_.contains(step.ns())) continue;  // what is not there yet cannot be tried
      const std::string_view kind = step.wanted != nullptr ? step.wanted->group_kind : step.live->group_kind;
      const bool weighed = may_be_too_large(step);
      if (tried[{kind, step.ns(), step.action}]++ >= kTriedOfAKind && !weighed) continue;
      const bool once = step.wanted != nullptr && step.wanted->made == Made::kOnce;
      const ApplyOptions options{.force = force || once, .dry_run = true, .accept = weighed ? std::string_view("application/json") : kube::kMetadataOnly};
      client_.submit(step.wanted != nullptr ? call_of(step, options) : removal_of(step, options), [this, &step](Answer&& answer) {
        const bool gone = step.wanted == nullptr && !answer.ok() && answer.error().status == 404;
        if (!answer.ok() && !gone && !answer.error().is("AlreadyExists")) fail(step.about(release_), answer.error());
        if (answer.ok() && answer.body().size() > kEtcdTakes) fail(step.about(release_), too_large(step, answer.body().size()));
      });
    }
  }

  Error too_large(const Step& step, size_t bytes) const {
    return {fmt::format("{}: {:.2f} MB with its {} roles, and etcd takes 1.5 MB", step.about(release_), static_cast<double>(bytes) / (1 << 20),
                        items_at(step.wanted->value, {"spec", "managed", "roles"}).size()),
            "CloudNativePG keeps all roles in the Cluster's own object: share the databases out over more clusters"};
  }

  /// Secrets that are named and that this run does not make.
  void references() {
    std::map<std::string, std::vector<std::pair<std::string, SecretReference>>, std::less<>> asked;
    for (const Step& step : plan_.steps) {
      if (step.wanted == nullptr || step.ns() != release_.ns) continue;
      if (step.action != Action::kCreate && step.action != Action::kChange) continue;
      for (SecretReference& reference : secret_references(step.wanted->value))
        if (!ours_.contains({release_.ns, reference.name})) {
          std::string name = reference.name;
          asked[name].emplace_back(step.about(release_), std::move(reference));
        }
    }
    for (auto& [name, users] : asked)
      client_.submit({.verb = Verb::kGet, .resource = *kube::well_known("v1", "Secret"), .ns = release_.ns, .name = name},
                     [this, name = name, users = std::move(users)](Answer&& answer) { judge_reference(name, users, answer); });
  }
  void judge_reference(const std::string& name, const std::vector<std::pair<std::string, SecretReference>>& users, const Answer& answer) {
    const auto& [object, first] = users.front();
    if (!answer.ok()) {
      if (answer.error().status != 404) return fail(fmt::format("Secret {}", name), answer.error());
      std::set<std::string> keys;
      for (const auto& [who, reference] : users) keys.insert(reference.keys.begin(), reference.keys.end());
      return fail(object, {fmt::format("{}: {} names Secret {}, which is not in namespace {}", object, first.field, printable(name), release_.ns),
                           keys.empty() ? std::string("make it first")
                                        : fmt::format("make it first, with the keys {}", fmt::join(keys, ", "))});
    }
    yaml::Arena arena(4096);
    const auto secret = kube::read_json(arena, answer.body());
    if (!secret) return;
    for (const auto& [who, reference] : users) {
      for (const std::string& key : reference.keys)
        if (secret->find_path({"data", key}) == nullptr)
          fail(who, {fmt::format("{}: {} names Secret {}, which has no key {}", who, reference.field, printable(name), printable(key)), {}});
    }
  }

  /// What the namespace may still have, against what is to be made.
  void quotas() {
    std::map<std::string, size_t> creates;
    long double storage = 0, volumes = 0;
    for (const Step& step : plan_.steps) {
      if (step.action != Action::kCreate || step.ns() != release_.ns) continue;
      ++creates[step.resource().name()];
      if (step.resource().kind != "Cluster") continue;
      const auto instances = static_cast<long double>(int_at(step.wanted->value, {"spec", "instances"}, 1));
      for (const std::string_view key : {"storage", "walStorage"})
        if (const yaml::Value* volume = step.wanted->value.find_path({"spec", key}))
          if (const auto size = cnpg::parse_quantity(cnpg::volume_size(*volume).text)) {
            storage += size->value * instances;
            volumes += instances;
          }
    }
    if (creates.empty()) return;
    kube::list(client_, *kube::well_known("v1", "ResourceQuota"), release_.ns, {},
               [this, creates, storage, volumes](auto listing, const kube::ApiError*) {
                 if (!listing) return;  // who may not look at quotas is told by the server when one is met
                 for (const yaml::Value& quota : (*listing)->items) judge_quota(quota, creates, storage, volumes);
               });
  }
  void judge_quota(const yaml::Value& quota, const std::map<std::string, size_t>& creates, long double storage, long double volumes) {
    for (const yaml::Member& hard : members_at(quota, {"spec", "hard"})) {
      long double needed = 0;
      if (hard.key == "requests.storage") needed = storage;
      else if (hard.key == "persistentvolumeclaims") needed = volumes;
      else if (const auto found = creates.find(std::string(hard.key.starts_with("count/") ? hard.key.substr(6) : hard.key)); found != creates.end())
        needed = static_cast<long double>(found->second);
      const auto most = cnpg::parse_quantity(hard.value.text());
      const auto used = cnpg::parse_quantity(text_at(quota, {"status", "used", hard.key}));
      if (needed == 0 || !most || most->value >= needed + (used ? used->value : 0)) continue;
      const std::string name(text_at(quota, {"metadata", "name"}));
      fail(fmt::format("ResourceQuota {}", name),
           {fmt::format("ResourceQuota {} allows {} of {}; {} are in use, and this file needs {:.0f} more", name, hard.value.text(), hard.key,
                        used ? text_at(quota, {"status", "used", hard.key}) : "0", static_cast<double>(needed)),
            "raise the quota, or ask for less"});
    }
  }

  kube::Client& client_;
  const Release& release_;
  const Plan& plan_;
  std::set<std::pair<std::string_view, std::string_view>> ours_;
  std::set<std::string_view> new_namespaces_;
  std::set<std::string, std::less<>> said_;  // once is enough
  std::vector<Failure> found_;
};

}  // namespace

std::vector<Failure> preflight(kube::Client& client, const Release& release, const Plan& plan, const Wanted& wanted,
                               bool force_conflicts) {
  return Preflight(client, release, plan, wanted).run(force_conflicts);
}

}  // namespace dbm::release
