#pragma once

// What server-side apply would change in an object: decided here, from the live object and the
// fields that it says are ours (metadata.managedFields), so that the server need not be asked about
// objects that are as they should be.
//
// Errs on one side only: where it says "same", applying would change nothing but spelling (1024Mi
// for 1Gi), the order of items that have keys, and take away the label app.kubernetes.io/version
// that 0.1.0 gave to every object. Where the server itself would bring about the same (defaults), it
// may say "differs"; a dry run settles it.
// Source: Kubernetes, "Server-Side Apply"; structured-merge-diff (fieldsV1). Pure.

#include <string>
#include <vector>

#include "yaml/value.h"

namespace dbm::release {

enum class Change : uint8_t {
  kAdded, kChanged, kRemoved,
  kOwned,  // the value stays, the field becomes ours
};

/// One field: `.spec.instances`, `.spec.managed.roles[name=shop].login`. The values are null where
/// there is none. `secret`: they must not be shown: data of a Secret, or a text whose key is called like a
/// credential (docs/kubernetes.md).
struct FieldChange {
  Change change = Change::kChanged;
  std::string path;
  yaml::Value before, after;
  bool secret = false;
};

/// The fields that `manager` applied, or, of an object that it never applied, those that it made:
/// fieldsV1 of its entry; null pointer when it has none.
const yaml::Value* applied_fields(const yaml::Value& live, std::string_view manager);

/// What applying `desired` over `live` as `manager` would change; empty: nothing.
std::vector<FieldChange> compare(const yaml::Value& desired, const yaml::Value& live, std::string_view manager);
/// As compare, without the list: one difference is enough.
bool differs(const yaml::Value& desired, const yaml::Value& live, std::string_view manager);

/// How two versions of a live object differ, whoever owns what: for the answer of a dry run. What
/// the server keeps for itself (resourceVersion, managedFields, status, …) is left out.
std::vector<FieldChange> compare_live(const yaml::Value& before, const yaml::Value& after);

/// A new object's fields as changes from nothing.
std::vector<FieldChange> all_added(const yaml::Value& desired);

}  // namespace dbm::release
