#pragma once

// The sizes of the volumes that a file asks for. Pure.

#include "cnpg/volume.h"
#include "spec/values.h"

namespace dbm::spec {

/// `size` of a Storage or WalStorage as it is rendered. The default gives way to what the template of
/// the claim asks for, since CloudNativePG prefers `size`: null then.
Text rendered_size(const auto& storage) {
  return storage.has("size") || cnpg::requested_storage(storage.pvc_template).empty() ? storage.size : Text();
}

/// How large the volume will be.
Text volume_size(const auto& storage) {
  const Text size = rendered_size(storage);
  return size.empty() ? cnpg::requested_storage(storage.pvc_template) : size;
}

}  // namespace dbm::spec
