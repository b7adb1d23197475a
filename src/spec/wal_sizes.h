#pragma once

// min_wal_size and max_wal_size that a Cluster gets. CloudNativePG refuses sizes that do not fit on
// the WAL volume; a size that nobody asked for then gives way instead (docs/decisions).

#include "spec/values.h"

namespace dbm::spec {

/// data() null: left to PostgreSQL's own default (80MB, 1GB).
struct WalSizes {
  Text min, max;
};

/// What the keys minWalSize and maxWalSize become; `parameters` and the like are merged over them.
WalSizes wal_sizes(const Cluster& cluster);

}  // namespace dbm::spec
