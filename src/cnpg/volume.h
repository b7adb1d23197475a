#pragma once

// How large a volume of a Cluster is to be (StorageConfiguration of CloudNativePG's api/v1): `size`,
// else what the template of the claim asks for. Pure.

#include <string_view>

#include "yaml/value.h"

namespace dbm::cnpg {

/// What a PersistentVolumeClaim's spec asks for; empty: nothing.
inline std::string_view requested_storage(const yaml::Value& pvc_template) {
  const yaml::Value* storage = pvc_template.find_path({"resources", "requests", "storage"});
  return storage != nullptr ? storage->text() : std::string_view();
}

/// `field`: where it stands below the StorageConfiguration. An empty text: nowhere.
struct VolumeSize {
  std::string_view text, field;
};

inline VolumeSize volume_size(const yaml::Value& storage) {
  if (const yaml::Value* size = storage.find("size"); size != nullptr && !size->text().empty()) return {size->text(), "size"};
  const yaml::Value* claim = storage.find("pvcTemplate");
  return {claim != nullptr ? requested_storage(*claim) : std::string_view(), "pvcTemplate.resources.requests.storage"};
}

}  // namespace dbm::cnpg
