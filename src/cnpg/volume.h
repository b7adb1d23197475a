#pragma once

// How large a volume of a Cluster is to be (StorageConfiguration of CloudNativePG's api/v1): `size`,
// else what the template of the claim asks for. Pure.

#include <string_view>

#include "yaml/at.h"

namespace dbm::cnpg {

/// What a PersistentVolumeClaim's spec asks for; empty: nothing.
inline std::string_view requested_storage(const yaml::Value& pvc_template) {
  return text_at(pvc_template, {"resources", "requests", "storage"});
}

/// `field`: where it stands below the StorageConfiguration. An empty text: nowhere.
struct VolumeSize {
  std::string_view text, field;
};

inline VolumeSize volume_size(const yaml::Value& storage) {
  if (const std::string_view size = text_at(storage, {"size"}); !size.empty()) return {size, "size"};
  const yaml::Value* claim = storage.find("pvcTemplate");
  return {claim != nullptr ? requested_storage(*claim) : std::string_view(), "pvcTemplate.resources.requests.storage"};
}

}  // namespace dbm::cnpg
