#include "release/rotate.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <deque>
#include <map>
#include <set>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"
#include "kube/json.h"
#include "release/connection.h"
#include "release/tree.h"
#include "secrets/base64.h"
#include "secrets/password.h"

namespace dbm::release {
namespace {

using kube::Answer;
using kube::Call;
using kube::Verb;
using std::chrono::sys_seconds;

constexpr int kTries = 10;  // at a Secret that others write too
constexpr std::chrono::milliseconds kBetweenLooks{500};

const kube::Resource& secrets_resource() {
  static const kube::Resource secret = *kube::well_known("v1", "Secret");
  return secret;
}

const kube::Resource& clusters_resource() {
  static const kube::Resource cluster = *kube::well_known_group_kind("Cluster.postgresql.cnpg.io");
  return cluster;
}

std::string rfc3339(sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// As the API server and we write it; nothing when it is of another form.
std::optional<sys_seconds> parse_rfc3339(std::string_view text) {
  const std::string copy(text);
  std::tm tm{};
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &tm);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return sys_seconds(std::chrono::seconds(timegm(&tm)));
}

/// Of a password: an annotation that cannot be read counts for nothing.
sys_seconds since(const LiveObject& secret) {
  if (const auto rotated = parse_rfc3339(annotation(secret.value, kRotatedAt))) return *rotated;
  return parse_rfc3339(text_at(secret.value, {"metadata", "creationTimestamp"})).value_or(sys_seconds());
}

class Planner {
 public:
  Planner(const Live& live, const Release& release, const RotateOptions& options, sys_seconds now)
      : release_(release), options_(options), now_(now) {
    for (const auto& [id, object] : live.objects()) take(object);
    for (auto& [key, target] : targets_)
      if (const auto found = connections_.find(key); found != connections_.end()) target.connections = std::move(found->second);
  }

  Result<RotatePlan> make() {
    if (!options_.cluster.empty() && !clusters_.contains(options_.cluster)) return no_such_cluster();
    if (!options_.role.empty()) return one();
    std::optional<Error> first;
    for (auto& [key, target] : targets_) {
      if (!options_.cluster.empty() && key.first != options_.cluster) continue;
      if (options_.older_than && since(*target.secret) > now_ - *options_.older_than) continue;
      if (applies_password(target.secret->value))
        pass_over(refusal_derived(key.first, key.second), first);
      else
        plan_.targets.push_back(std::move(target));
    }
    if (options_.older_than) return std::move(plan_);
    for (const std::string& role : clusters_[options_.cluster])
      if (!targets_.contains({options_.cluster, role})) pass_over(refusal_foreign(options_.cluster, role), first);
    if (!plan_.targets.empty()) return std::move(plan_);
    if (first) return *first;
    return Error{fmt::format("cluster {} has no role with a password", options_.cluster), {}};
  }

 private:
  void take(const LiveObject& object) {
    if (!object.member) return;
    if (object.resource->kind == "Cluster") {
      auto& roles = clusters_[std::string(object.name)];
      for (const yaml::Value& role : items_at(object.value, {"spec", "managed", "roles"})) {
        std::string name(text_at(role, {"name"}));
        if (const auto secret = text_at(role, {"passwordSecret", "name"}); !secret.empty()) foreign_[{std::string(object.name), name}] = secret;
        roles.insert(std::move(name));
      }
      return;
    }
    const bool is_password = is_role_password(object) && object.ns == release_.ns;
    if (!is_password && !is_connection(object)) return;
    const std::string cluster(label(object.value, kClusterLabel));
    std::string role = decoded(object.value, "username");
    if (!is_password) {
      connections_[{cluster, std::move(role)}].push_back(&object);
      return;
    }
    clusters_[cluster].insert(role);
    targets_[{cluster, role}] = {cluster, role, &object, {}};
  }
  void pass_over(Error why, std::optional<Error>& first) {
    plan_.notices.push_back(why.message);
    if (!first) first = std::move(why);
  }
  Result<RotatePlan> one() {
    const auto key = std::pair(options_.cluster, options_.role);
    const auto found = targets_.find(key);
    if (found == targets_.end())
      return clusters_[options_.cluster].contains(options_.role) ? refusal_foreign(key.first, key.second) : no_such_role();
    if (applies_password(found->second.secret->value)) return refusal_derived(key.first, key.second);
    plan_.targets.push_back(std::move(found->second));
    return std::move(plan_);
  }

  Error no_such_cluster() const {
    std::vector<std::string_view> names;
    for (const auto& [name, roles] : clusters_) names.push_back(name);
    return {fmt::format("release {} in namespace {} has no cluster {}", release_.name, release_.ns, printable(options_.cluster)),
            hint(options_.cluster, names, "it has")};
  }
  Error no_such_role() {
    const auto& roles = clusters_[options_.cluster];
    const std::vector<std::string_view> names(roles.begin(), roles.end());
    return {fmt::format("cluster {} has no role {}", options_.cluster, printable(options_.role)), hint(options_.role, names, "it has")};
  }
  static std::string hint(std::string_view word, const std::vector<std::string_view>& names, std::string_view otherwise) {
    constexpr size_t kMost = 10;
    std::string out = did_you_mean(word, names);
    if (!out.empty() || names.empty() || names.size() > kMost) return out;
    return fmt::format("{} {}", otherwise, join_and(names));
  }
  Error refusal_foreign(const std::string& cluster, const std::string& role) const {
    const auto secret = foreign_.find({cluster, role});
    if (secret == foreign_.end())
      return {fmt::format("cluster {}: role {} has no password Secret", cluster, printable(role)), "it has no password to be changed"};
    return {fmt::format("cluster {}: the password of role {} is in Secret {}, which this release does not make", cluster, printable(role),
                        printable(secret->second)),
            "change it where it comes from (existingSecret, or the external store of roleSecrets.source external); "
            "CloudNativePG takes what is in the Secret"};
  }
  static Error refusal_derived(const std::string& cluster, const std::string& role) {
    return {fmt::format("cluster {}: the password of role {} is derived from a master key; the next apply would write it again", cluster,
                        printable(role)),
            fmt::format("raise clusters.{}.roleSecrets.generation in the file and apply it; if the file derives no more: delete the Secret and apply",
                        cluster)};
  }

  using Key = std::pair<std::string, std::string>;  // cluster and role
  const Release& release_;
  const RotateOptions& options_;
  sys_seconds now_;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> clusters_;  // their roles
  std::map<Key, std::string> foreign_;  // the Secrets that Clusters name
  std::map<Key, RotateTarget> targets_;
  std::map<Key, std::vector<const LiveObject*>> connections_;
  RotatePlan plan_;
};

Call password_call(const RotateTarget& target, std::string_view version, std::string_view password, const std::string& at, bool dry_run) {
  Call call = target.secret->call(Verb::kPatch);
  kube::Query query;
  query.add("fieldManager", kFieldManager);
  if (dry_run) query.add("dryRun", "All");
  call.query = query.text();
  call.content_type = kube::kMergePatch;
  call.accept = kube::kMetadataOnly;
  call.conditional = true;
  const std::string head = fmt::format(R"({{"metadata":{{"resourceVersion":"{}","annotations":{{"{}":"{}"}}}},"data":{{"password":")", version,
                                       kRotatedAt, at);
  constexpr std::string_view kTail = R"("}})";
  call.body.reserve(head.size() + secrets::base64_size(password.size()) + kTail.size());  // it must not move: it is secret
  call.body.append(head);
  secrets::append_base64(call.body, password);
  call.body.append(kTail);
  return call;
}

Call connection_call(const LiveObject& live, const Release& release, std::string_view password, bool dry_run) {
  yaml::Arena arena(8 * 1024);
  Call call = apply_call(*live.resource, live.ns, live.name, connection_with(arena, live, release, password),
                         {.force = true, .dry_run = dry_run, .accept = kube::kMetadataOnly});
  call.conditional = true;
  return call;
}

class Rotator {
 public:
  Rotator(kube::Client& client, kube::Kinds& kinds, const Release& release, const RotatePlan& plan,
          const std::function<void(const Progress&)>& progress)
      : client_(client), kinds_(kinds), release_(release), plan_(plan), show_(progress) {}

  RotateOutcome run() {
    secrets::PasswordSource source;
    for (const RotateTarget& target : plan_.targets) {
      progress_.total += 1 + target.connections.size();
      Task& task = tasks_.emplace_back();
      task.target = &target;
      task.password = source.next();
      task.before = decoded_secret(target.secret->value, "password");
      task.version = target.secret->resource_version();
    }
    for (Task& task : tasks_) write_password(task);
    client_.drive();
    write_late_connections();
    RotateOutcome out{{}, std::move(failures_), std::move(late_)};
    for (Task& task : tasks_)
      if (task.is_written()) out.done.push_back(std::move(task.rotated));
    return out;
  }

 private:
  struct Task {
    const RotateTarget* target = nullptr;
    secrets::Password password;
    secrets::Secret before;
    std::string version;
    int tries = 0;
    Rotated rotated;
    bool is_written() const { return !rotated.resource_version.empty(); }
  };
  struct Follower {
    Task* task = nullptr;
    const LiveObject* live = nullptr;
    Live read;  // when it had to be looked at again
    int tries = 0;
  };

  void write_password(Task& task) {
    ++task.tries;
    const std::string at = rfc3339(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    client_.submit(password_call(*task.target, task.version, task.password.view(), at, /*dry_run=*/false), [this, &task, at](Answer&& answer) {
      if (!answer.ok()) return answer.error().status == 409 ? look_at_password(task) : fail(task.target->secret->about(release_), answer.error());
      yaml::Arena arena(4096);
      const auto read = kube::read_json(arena, answer.body());
      written(task, read ? text_at(*read, {"metadata", "resourceVersion"}) : "?", at);
    });
  }
  /// Somebody has written it since: this very run, by a call whose answer was lost; or another.
  void look_at_password(Task& task) {
    client_.submit(task.target->secret->call(Verb::kGet), [this, &task](Answer&& answer) {
      const std::string name = task.target->secret->about(release_);
      if (!answer.ok()) return fail(name, answer.error());
      Live read;
      const auto live = read.take(secrets_resource(), answer.take_body(), release_);
      if (!live) return fail(name, live.error());
      const secrets::Secret now = decoded_secret((*live)->value, "password");
      task.version = (*live)->resource_version();
      if (now.reveal() == task.password.view()) return written(task, task.version, std::string(annotation((*live)->value, kRotatedAt)));
      if (now.reveal() != task.before.reveal())
        return fail(name, Error{fmt::format("{}: somebody else has just given it another password", name), "that password was left as it is"});
      if (task.tries >= kTries) return fail(name, Error{fmt::format("{}: somebody else writes it all the time", name), "try again later"});
      write_password(task);
    });
  }
  void written(Task& task, std::string_view version, const std::string& at) {
    step();
    task.rotated = {task.target, std::string(version), at, {}, task.target->connections.size()};
    for (const LiveObject* connection : task.target->connections) write_connection(follower_of(task, *connection));
  }
  /// Those that an apply made, of the old password, after it had been looked for them.
  void write_late_connections() {
    std::map<std::pair<std::string, std::string>, Task*> written;
    for (Task& task : tasks_)
      if (task.is_written()) written[{task.target->cluster, task.target->role}] = &task;
    if (written.empty()) return;
    if (auto looked = look_for_passwords(client_, kinds_, release_, *late_); !looked) return fail("Secrets", std::move(looked).error());
    for (const auto& [id, object] : late_->objects()) {
      if (!is_connection(object)) continue;
      const auto found = written.find({std::string(label(object.value, kClusterLabel)), decoded(object.value, "username")});
      if (found == written.end() || was_planned(*found->second, object)) continue;
      Task& task = *found->second;
      if (decoded_secret(object.value, "password").reveal() == task.password.view()) continue;
      task.rotated.late.push_back(&object);
      ++task.rotated.behind;
      ++progress_.total;
      write_if_latest(follower_of(task, object));
    }
    client_.drive();
  }
  static bool was_planned(const Task& task, const LiveObject& object) {
    return std::ranges::any_of(task.target->connections, [&](const LiveObject* each) { return each->id() == object.id(); });
  }
  static std::shared_ptr<Follower> follower_of(Task& task, const LiveObject& connection) {
    auto out = std::make_shared<Follower>();
    out->task = &task;
    out->live = &connection;
    return out;
  }

  void write_connection(const std::shared_ptr<Follower>& follower) {
    ++follower->tries;
    client_.submit(connection_call(*follower->live, release_, follower->task->password.view(), /*dry_run=*/false), [this, follower](Answer&& answer) {
      if (answer.ok() || answer.error().status == 404) return followed(*follower);  // or gone meanwhile
      const kube::ApiError& error = answer.error();
      if (error.status == 409 && follower->tries < kTries) return look_at_connection(follower);
      fail(follower->live->about(release_), error);
    });
  }
  void look_at_connection(const std::shared_ptr<Follower>& follower) {
    client_.submit(follower->live->call(Verb::kGet), [this, follower](Answer&& answer) {
      if (!answer.ok() && answer.error().status == 404) return followed(*follower);
      const std::string name = follower->live->about(release_);
      if (!answer.ok()) return fail(name, answer.error());
      const auto live = follower->read.take(secrets_resource(), answer.take_body(), release_);
      if (!live) return fail(name, live.error());
      // Ours: the answer was lost, or an apply was quicker.
      if (decoded_secret((*live)->value, "password").reveal() == follower->task->password.view()) return followed(*follower);
      follower->live = *live;
      write_if_latest(follower);
    });
  }
  /// Of those who rotate one after the other the last one's password stays: it is the role's.
  void write_if_latest(const std::shared_ptr<Follower>& follower) {
    const LiveObject& secret = *follower->task->target->secret;
    client_.submit(secret.call(Verb::kGet), [this, follower, &secret](Answer&& answer) {
      if (!answer.ok()) return fail(secret.about(release_), answer.error());
      Live read;
      const auto live = read.take(secrets_resource(), answer.take_body(), release_);
      if (!live) return fail(secret.about(release_), live.error());
      const bool is_latest = decoded_secret((*live)->value, "password").reveal() == follower->task->password.view();
      is_latest ? write_connection(follower) : followed(*follower);
    });
  }
  void followed(Follower& follower) {
    --follower.task->rotated.behind;
    step();
  }

  void step() {
    ++progress_.done;
    if (show_) show_(progress_);
  }
  void fail(std::string object, const kube::ApiError& error) { failures_.push_back(failure_of(std::move(object), error)); }
  void fail(std::string object, Error error) { failures_.push_back({std::move(object), std::move(error)}); }

  kube::Client& client_;
  kube::Kinds& kinds_;
  const Release& release_;
  const RotatePlan& plan_;
  const std::function<void(const Progress&)>& show_;
  std::deque<Task> tasks_;
  std::unique_ptr<Live> late_ = std::make_unique<Live>();
  Progress progress_;
  std::vector<Failure> failures_;
};

/// Of `version` or a later one: versions count up (Kubernetes API concepts, "Resource versions").
bool has_reached(std::string_view seen, std::string_view version) {
  uint64_t a = 0, b = 0;
  const auto read = [](std::string_view text, uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  };
  return seen == version || (read(seen, a) && read(version, b) && a >= b);
}

}  // namespace

Status look_for_passwords(kube::Client& client, kube::Kinds& kinds, const Release& release, Live& live) {
  if (auto found = look_for_parent(client, release, live); !found) return found;
  if (live.parent() == nullptr)
    return Error{fmt::format("there is no release {} in namespace {}", release.name, release.ns),
                 "cnpg-dbm apply makes one; -n and --context say where it is"};
  ApplySet set = live.set();
  std::erase_if(set.group_kinds, [](const std::string& kind) { return kind != "Secret" && kind != clusters_resource().group_kind(); });
  return look_for_members(client, kinds, release, set, live);
}

Result<RotatePlan> plan_rotation(const Live& live, const Release& release, const RotateOptions& options, sys_seconds now) {
  return Planner(live, release, options, now).make();
}

std::vector<Failure> try_rotation(kube::Client& client, const Release& release, const RotatePlan& plan, bool all) {
  std::vector<Failure> out;
  std::set<std::pair<std::string_view, bool>> tried;
  const auto submit = [&](Call call, const LiveObject& object) {
    client.submit(std::move(call), [&out, &object, &release](Answer&& answer) {
      if (!answer.ok() && answer.error().status != 409) out.push_back(failure_of(object.about(release), answer.error()));
    });
  };
  const std::string at = rfc3339(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  secrets::PasswordSource source;
  for (const RotateTarget& target : plan.targets) {
    const secrets::Password password = source.next();
    if (all || tried.emplace(target.secret->ns, true).second)
      submit(password_call(target, target.secret->resource_version(), password.view(), at, /*dry_run=*/true), *target.secret);
    for (const LiveObject* connection : target.connections)
      if (all || tried.emplace(connection->ns, false).second)
        submit(connection_call(*connection, release, password.view(), /*dry_run=*/true), *connection);
  }
  client.drive();
  return out;
}

RotateOutcome rotate(kube::Client& client, kube::Kinds& kinds, const Release& release, const RotatePlan& plan,
                     const std::function<void(const Progress&)>& progress) {
  return Rotator(client, kinds, release, plan, progress).run();
}

Result<std::vector<std::string>> wait_for_passwords(kube::Client& client, const Release& release, const std::vector<Rotated>& done) {
  std::map<std::string, std::vector<const Rotated*>> missing;  // by cluster
  for (const Rotated& rotated : done) missing[rotated.target->cluster].push_back(&rotated);
  std::vector<std::string> words;
  std::optional<Error> refused;
  const auto look = [&](std::vector<const Rotated*>& roles, const yaml::Value& cluster) {
    std::erase_if(roles, [&](const Rotated* rotated) {
      const std::string& role = rotated->target->role;
      const auto seen = text_at(cluster, {"status", "managedRolesStatus", "passwordStatus", role, "resourceVersion"});
      if (has_reached(seen, rotated->resource_version)) return true;
      std::string word = fmt::format("{}/{}", rotated->target->cluster, printable(role));
      for (const yaml::Value& why : items_at(cluster, {"status", "managedRolesStatus", "cannotReconcile", role}))
        word += fmt::format(": {}", printable(why.text(), 300));
      words.push_back(std::move(word));
      return false;
    });
  };
  while (!missing.empty()) {
    std::vector<std::string> last = std::exchange(words, {});
    for (auto& [name, roles] : missing)
      client.submit({.verb = Verb::kGet, .resource = clusters_resource(), .ns = release.ns, .name = name},
                    [&look, &refused, &name = name, &roles = roles](Answer&& answer) {
                      yaml::Arena arena(16 * 1024);
                      if (answer.ok()) {
                        if (const auto cluster = kube::read_json(arena, answer.body())) look(roles, *cluster);
                      } else if (!answer.error().timed_out()) {
                        refused = answer.error().error(fmt::format("cannot read Cluster {}", name));
                      }
                    });
    client.drive();
    if (refused) return *refused;
    if (client.is_late() && words.empty()) words = std::move(last);
    std::erase_if(missing, [](const auto& each) { return each.second.empty(); });
    if (client.is_late() || kube::Client::interrupted()) break;
    if (!missing.empty()) client.pause(kBetweenLooks);
  }
  if (missing.empty()) words.clear();
  if (!missing.empty() && words.empty())
    for (const auto& [name, roles] : missing)
      for (const Rotated* rotated : roles) words.push_back(fmt::format("{}/{}", name, printable(rotated->target->role)));
  return words;
}

}  // namespace dbm::release
