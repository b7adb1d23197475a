#pragma once

// Who manages the fields of a live object, moved from one manager to another by writing its
// metadata.managedFields (Kubernetes: "Server-Side Apply", transferring ownership).

#include <functional>
#include <optional>

#include "release/helm.h"
#include "release/live.h"
#include "release/write.h"

namespace dbm::release {

/// The manager of a field of fieldsV1, whatever the program calls itself; the first of several. Empty: none.
std::string_view manager_of_field(const yaml::Value& live, std::initializer_list<std::string_view> field);

/// True when an entry is ours, applied or not.
bool has_fields_of_ours(const yaml::Value& live);

/// A new metadata.managedFields in which all that `manager` and `helm` manage, by whichever operation, is
/// applied by us. The password of a password Secret becomes one that we created and never applied. Null:
/// neither of them manages anything. Pure.
yaml::Value taken_over(yaml::Arena& arena, const LiveObject& live, std::string_view manager);

/// A new metadata.managedFields in which all that we and `helm` manage is one entry of `helm`, as `method`
/// leaves it. Null: nothing is ours. Pure.
yaml::Value handed_to_helm(yaml::Arena& arena, const yaml::Value& live, ApplyMethod method);

/// What managedFields should be for an object as it is now; null: they are right.
using NewFields = std::function<Result<yaml::Value>(yaml::Arena&, const LiveObject&)>;

/// Submits the write; `done` is called from drive(), with what went wrong if anything did. It holds for
/// the very version that was seen: an operator that writes its status meanwhile makes us read the
/// object again. `live`, `release` and `client` outlive it.
void write_managed_fields(kube::Client& client, const Release& release, const LiveObject& live, NewFields fields,
                          std::function<void(std::optional<Failure>)> done);

}  // namespace dbm::release
