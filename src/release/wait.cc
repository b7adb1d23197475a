#include "release/wait.h"

#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>

#include "kube/json.h"
#include "kube/list.h"
#include "kube/retry.h"
#include "release/tree.h"

namespace dbm::release {
namespace {

using kube::Client;
using std::chrono::milliseconds;

constexpr milliseconds kSlice{100};       // between looks at whether all is ready
constexpr milliseconds kNudgeAfter{1500};
constexpr size_t kNudgesAtOnce = 20, kNudges = 20, kNudgesUnseen = 3;  // unseen: perhaps only in a long queue
constexpr std::string_view kNudge = "cnpg-dbm/look-again";

/// One kind in one namespace, listed and then watched for as long as it takes. What ends is begun again,
/// after a wait that grows until an event comes; what the server refuses (403, 404) is not.
class Feed {
 public:
  using Seen = std::function<void(const kube::Resource&, const yaml::Value&)>;
  struct Source {
    const kube::Resource& resource;
    std::string ns, selector;
    bool optional = false;  // waiting goes on without it
  };
  Feed(Client& client, Source source, Seen seen) : client_(client), source_(std::move(source)), seen_(std::move(seen)) {}

  void start() {
    busy_ = true;
    const kube::ListOptions options{.label_selector = source_.selector, .field_selector = {}};
    kube::list(client_, source_.resource, source_.ns, options, [this](auto listing, const kube::ApiError* error) {
      busy_ = false;
      if (!listing) return failed(std::move(listing).error(), error != nullptr ? error->status : 0);
      for (const yaml::Value& item : (*listing)->items) seen_(source_.resource, with_kind(item));
      version_ = (*listing)->resource_version;
      watch();
    });
  }
  /// Begins again what ended, when it is time.
  void keep_up() {
    if (busy_ || refusal_ || Client::Clock::now() < not_before_) return;
    version_.empty() ? start() : watch();
  }
  /// Why waiting for it would never end; null: it may.
  const Error* refusal() const { return refusal_ && !source_.optional ? &*refusal_ : nullptr; }

 private:
  void watch() {
    busy_ = true;
    kube::Call call{.verb = kube::Verb::kWatch, .resource = source_.resource, .ns = source_.ns};
    call.query = kube::Query().add("watch", "true").add("allowWatchBookmarks", "true").add("timeoutSeconds", "300")
                     .add("resourceVersion", version_).add("labelSelector", source_.selector).text();
    const std::string about = fmt::format("cannot watch {} in namespace {}", source_.resource.name(), source_.ns);
    client_.watch(std::move(call), [this](std::string_view line) { return take(line); }, [this, about](kube::Answer&& answer) {
      busy_ = false;
      if (answer.ok()) return again();
      if (answer.error().status == 410) version_.clear();  // too old: listed anew
      failed(answer.error().error(about), answer.error().status);
    });
  }
  void failed(Error error, int status) {
    if (status == 403 || status == 404) refusal_ = std::move(error);
    again();
  }
  void again() { not_before_ = Client::Clock::now() + kube::backoff(++tries_, std::uniform_real_distribution<>(0, 1)(random_)); }
  bool take(std::string_view line) {
    yaml::Arena arena(16 * 1024);
    const auto event = kube::read_json(arena, line);
    const yaml::Value* object = event ? event->find("object") : nullptr;
    const std::string_view type = object != nullptr ? text_at(*event, {"type"}) : "ERROR";
    if (type == "ERROR") {  // too old (410), or what is no JSON
      version_.clear();
      return false;
    }
    tries_ = 0;
    version_ = text_at(*object, {"metadata", "resourceVersion"});
    if (type == "ADDED" || type == "MODIFIED") seen_(source_.resource, *object);
    return true;
  }
  /// Items of a list of built-in kinds do not say what they are.
  yaml::Value with_kind(const yaml::Value& item) {
    if (item.find("kind") != nullptr) return item;
    arena_.reset();
    yaml::Value out = yaml::Value::map(arena_, {}, item.members(), 1);
    out.append(arena_, "kind", yaml::Value::string(source_.resource.kind));
    return out;
  }

  Client& client_;
  Source source_;
  Seen seen_;
  yaml::Arena arena_{4096};
  std::string version_;  // that a watch goes on from; empty: a list comes first
  bool busy_ = false;
  std::optional<Error> refusal_;
  int tries_ = 0;  // since the last event
  Client::Clock::time_point not_before_ = {};
  std::minstd_rand random_{std::random_device{}()};
};

class Waiter {
 public:
  Waiter(Client& client, kube::Kinds& kinds, const Release& release, const Targets& targets) : client_(client), release_(release) {
    for (const auto& [group_kind, objects] : targets) {
      const kube::Resource* resource = kinds.find(group_kind);
      if (resource == nullptr || !has_readiness(resource->kind)) continue;
      std::set<std::string> namespaces;
      for (const auto& [ns, name] : objects) {
        namespaces.insert(ns);
        index_[{resource->kind, ns, name}] = followed_.size();
        followed_.push_back({resource, ns, name, {State::kWaiting, "not looked at yet"}});
      }
      for (const std::string& ns : namespaces) feed({*resource, ns, fmt::format("{}={}", kPartOf, release.applyset)});
    }
    // A Pooler counts the Pods that it wants; its Deployment those that are up.
    if (targets.contains("Pooler.postgresql.cnpg.io")) feed({*kinds.find("apps/v1", "Deployment"), release.ns, "cnpg.io/poolerName", /*optional=*/true});
  }

  /// `until_ready` false: follow, whatever it becomes.
  WaitResult run(const std::function<void(const std::vector<Followed>&)>& changed, bool until_ready) {
    for (const auto& each : feeds_) each->start();
    WaitResult out;
    while (true) {
      client_.drive_until(Client::Clock::now() + kSlice);
      if (std::exchange(changed_, false) && changed) changed(followed_);
      out.ready = std::ranges::all_of(followed_, [](const Followed& f) { return f.readiness.state == State::kReady; });
      out.interrupted = Client::interrupted();
      if ((out.ready && until_ready) || out.interrupted || client_.is_late()) break;
      if (const Error* failure = refused()) {
        out.failure = *failure;
        break;
      }
      for (const auto& each : feeds_) each->keep_up();
      if (until_ready) nudge();
    }
    client_.abandon();
    out.followed = std::move(followed_);
    return out;
  }

 private:
  struct Owned {  // what a Database is of
    std::string cluster, owner;
    Client::Clock::time_point last = {};
    size_t nudges = 0;
  };

  void feed(Feed::Source source) {
    feeds_.push_back(std::make_unique<Feed>(client_, std::move(source),
                                            [this](const kube::Resource& r, const yaml::Value& object) { see(r, object); }));
  }
  /// A kind that may not be looked at: waiting for it would never end.
  const Error* refused() const {
    for (const auto& each : feeds_)
      if (const Error* refusal = each->refusal()) return refusal;
    return nullptr;
  }
  void see(const kube::Resource& resource, const yaml::Value& object) {
    const std::string name(text_at(object, {"metadata", "name"})), ns(text_at(object, {"metadata", "namespace"}));
    if (resource.kind == "Deployment") {
      available_[name] = int_at(object, {"status", "availableReplicas"});
      if (const auto pooler = index_.find({"Pooler", ns, name}); pooler != index_.end()) judge(pooler->second, pooler_[name]);
      return;
    }
    if (resource.kind == "Cluster") see_roles(name, object);
    if (resource.kind == "Database")
      owned_.try_emplace(name, Owned{std::string(text_at(object, {"spec", "cluster", "name"})), std::string(text_at(object, {"spec", "owner"}))});
    if (resource.kind == "Pooler") pooler_[name] = {readiness(object), int_at(object, {"spec", "instances"}, 1)};
    const auto found = index_.find({resource.kind, ns, name});
    if (found == index_.end()) return;
    resource.kind == "Pooler" ? judge(found->second, pooler_[name]) : set(found->second, readiness(object));
  }
  struct PoolerSeen {
    Readiness readiness;
    int64_t wanted = 1;
  };
  void judge(size_t index, const PoolerSeen& seen) {
    Readiness out = seen.readiness;
    const auto up = available_.find(followed_[index].name);
    if (out.state == State::kReady && up != available_.end() && up->second < seen.wanted)
      out = {State::kWaiting, fmt::format("{} of {} instances up", up->second, seen.wanted)};
    set(index, out);
  }
  void set(size_t index, Readiness readiness) {
    Readiness& now = followed_[index].readiness;
    changed_ |= now.state != readiness.state || now.message != readiness.message;
    now = std::move(readiness);
  }
  void see_roles(const std::string& cluster, const yaml::Value& object) {
    auto& roles = roles_[cluster];
    roles.clear();
    for (const yaml::Value& role : items_at(object, {"status", "managedRolesStatus", "byStatus", "reconciled"})) roles.emplace(role.text());
    const std::string_view primary = text_at(object, {"status", "currentPrimary"});
    up_[cluster] = !primary.empty() && primary == text_at(object, {"status", "targetPrimary"});
  }
  /// Databases that failed, or were put off since the primary had not said yet that it is one: at once
  /// those whose owner is there now; a few of the failed in case the Cluster's status is late in saying so.
  void nudge() {
    const auto now = Client::Clock::now();
    size_t guesses = 0;
    for (const Followed& database : followed_) {
      if (database.resource->kind != "Database" || database.readiness.state == State::kReady) continue;
      const auto found = owned_.find(database.name);
      if (found == owned_.end() || !up_[found->second.cluster]) continue;
      Owned& owned = found->second;
      const bool has_owner = roles_[owned.cluster].contains(owned.owner);
      const bool failed = database.readiness.state == State::kFailed;
      if (now - owned.last < kNudgeAfter || owned.nudges >= (failed ? kNudges : kNudgesUnseen)) continue;
      if (!has_owner && (!failed || guesses++ >= kNudgesAtOnce)) continue;
      owned.last = now;
      ++owned.nudges;
      kube::Call call{.verb = kube::Verb::kPatch, .resource = *database.resource, .ns = database.ns, .name = database.name};
      call.query = kube::Query().add("fieldManager", kFieldManager).text();
      call.content_type = kube::kMergePatch;
      call.accept = kube::kMetadataOnly;
      call.body = fmt::format(R"({{"metadata":{{"annotations":{{"{}":"{}"}}}}}})", kNudge, owned.nudges);
      client_.submit(std::move(call), [](kube::Answer&&) {});  // the operator's own retry remains
    }
  }

  Client& client_;
  const Release& release_;
  std::vector<Followed> followed_;
  std::map<std::tuple<std::string, std::string, std::string>, size_t, std::less<>> index_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::map<std::string, std::set<std::string, std::less<>>> roles_;  // by cluster
  std::map<std::string, bool> up_;
  std::map<std::string, Owned> owned_;
  std::map<std::string, int64_t> available_;
  std::map<std::string, PoolerSeen> pooler_;
  bool changed_ = true;
};

}  // namespace

WaitResult wait_until_ready(Client& client, kube::Kinds& kinds, const Release& release, const Targets& targets,
                            const std::function<void(const std::vector<Followed>&)>& changed) {
  return Waiter(client, kinds, release, targets).run(changed, /*until_ready=*/true);
}

WaitResult follow(Client& client, kube::Kinds& kinds, const Release& release, const Targets& targets,
                  const std::function<void(const std::vector<Followed>&)>& changed) {
  return Waiter(client, kinds, release, targets).run(changed, /*until_ready=*/false);
}

}  // namespace dbm::release
