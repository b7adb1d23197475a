#pragma once

// What the server holds of a release: the members of its ApplySet, the ApplySet's parent, and the
// objects that stand, unmarked, where the file wants one.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kube/kinds.h"
#include "kube/list.h"
#include "release/applyset.h"
#include "release/wanted.h"

namespace dbm::release {

struct LiveObject {
  const kube::Resource* resource = nullptr;
  yaml::Value value;
  std::string_view group_kind, ns, name;
  bool member = false;  // it carries the ApplySet's label

  Id id() const { return {group_kind, ns, name}; }
  std::string_view uid() const;
  std::string_view resource_version() const;
  /// "Secret shop-orders-app", with its namespace when that is not the release's.
  std::string about(const Release& release) const;
  /// A call to this very object; what it says is the caller's.
  kube::Call call(kube::Verb verb) const;
};

/// "Database shop-orders", with its namespace when that is not the release's.
std::string about_object(std::string_view kind, std::string_view name, std::string_view ns, const Release& release);

/// Whose an object is.
enum class Owner : uint8_t {
  kUs,       // marked as this release's
  kHelm,     // of a Helm release
  kRelease,  // another of our releases, or another ApplySet
  kNobody,
};
Owner owner_of(const yaml::Value& object, const Release& release);

/// Owns everything it holds; wiped when it goes (Secrets).
class Live {
 public:
  Live() = default;
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  const LiveObject* find(const Id& id) const;
  const std::map<Id, LiveObject>& objects() const { return objects_; }
  /// Null: the release was never applied.
  const yaml::Value* parent() const { return parent_.is_null() ? nullptr : &parent_; }
  ApplySet set() const { return parent() != nullptr ? read_parent(parent_) : ApplySet(); }

  void take(const kube::Resource& resource, std::unique_ptr<kube::Listing> listing, const Release& release);
  /// The body of one object's answer.
  Result<const LiveObject*> take(const kube::Resource& resource, std::string body, const Release& release);
  Status take_parent(std::string body);

 private:
  const LiveObject& add(const kube::Resource& resource, const yaml::Value& value, const Release& release);

  std::map<Id, LiveObject> objects_;
  yaml::Value parent_;
  std::deque<std::unique_ptr<kube::Listing>> listings_;
  std::set<std::string, std::less<>> texts_;
};

/// The release's parent into `live`; nothing when there is none.
Status look_for_parent(kube::Client& client, const Release& release, Live& live);

/// Kinds that our own rendering puts into the release's namespace alone: they are not looked for
/// elsewhere.
bool stays_at_home(const kube::Resource& resource);

/// The members: every kind of `set` in every namespace of it, together. Kinds that the server does
/// not have are passed over.
Status look_for_members(kube::Client& client, kube::Kinds& kinds, const Release& release, const ApplySet& set, Live& live);

/// Secrets of this release in its namespace that are no members any more: passwords that were kept.
Status look_for_kept_secrets(kube::Client& client, const Release& release, Live& live);

/// The members that hold a role's password, as they are now.
Status look_for_role_passwords(kube::Client& client, const Release& release, Live& live);

/// Those of `ids` that are not there yet, by their names: objects that are not, or no longer, members.
struct Missing {
  const kube::Resource* resource;
  std::string_view ns, name;
};
Status look_for_others(kube::Client& client, const Release& release, const std::vector<Missing>& missing, Live& live);

}  // namespace dbm::release
