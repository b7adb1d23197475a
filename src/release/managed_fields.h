#pragma once

// Who manages the fields of a live object, moved from one manager to another by writing its
// metadata.managedFields (Kubernetes: "Server-Side Apply", transferring ownership).

#include <functional>
#include <optional>

#include "release/live.h"
#include "release/write.h"

namespace dbm::release {

/// The entry of managedFields that has a field: whatever the program that wrote it called itself.
struct FieldsEntry {
  size_t index = 0;
  std::string_view manager;
};
std::optional<FieldsEntry> entry_with(const yaml::Value& live, std::initializer_list<std::string_view> field);

/// True when we have applied it: fields of it are ours already.
bool is_applied_by_us(const yaml::Value& live);

/// A new metadata.managedFields in which that entry is ours: applied by us. Of a password Secret the
/// password becomes one that we made and never applied. Pure.
yaml::Value taken_over(yaml::Arena& arena, const LiveObject& live, const FieldsEntry& entry);

/// A new metadata.managedFields in which what was ours is Helm's; null when nothing was. Pure.
yaml::Value handed_to_helm(yaml::Arena& arena, const yaml::Value& live);

/// What managedFields should be for an object as it is now; null: they are right.
using NewFields = std::function<Result<yaml::Value>(yaml::Arena&, const LiveObject&)>;

/// Submits the write; `done` is called from drive(), with what went wrong if anything did. It holds for
/// the very version that was seen: an operator that writes its status meanwhile makes us read the
/// object again. `live`, `release` and `client` outlive it.
void write_managed_fields(kube::Client& client, const Release& release, const LiveObject& live, NewFields fields,
                          std::function<void(std::optional<Failure>)> done);

}  // namespace dbm::release
