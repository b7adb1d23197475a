#pragma once

// A release of Helm 3 as it keeps it in a Secret: its values, and the objects that it made.
// Source: helm.sh/helm/v3/pkg/storage/driver (Secrets): base64 of gzip of JSON.

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "kube/client.h"
#include "kube/list.h"
#include "yaml/value.h"

namespace dbm::release {

/// Whose label `owner` a release's Secrets carry: Helm finds its own by it.
inline constexpr std::string_view kHelmOwner = "helm";
inline constexpr std::string_view kHidden = "cnpg-dbm-adopted";

/// Owns what its values point at. The texts may hold passwords: its JSON and its manifest are wiped when
/// it goes. Single texts that were unescaped stand in `arena`, which is only freed.
struct HelmRelease {
  std::string name, status, chart;  // chart: "cnpg-database-manager-0.5.0"
  int64_t revision = 0;
  yaml::Value values;                // what the chart was rendered with: its defaults and the user's over them
  std::vector<yaml::Value> objects;  // of the manifest
  /// What newer revisions that failed, or never ended, have besides: some of it may be there. Points
  /// into those revisions.
  std::vector<yaml::Value> leftovers;

  yaml::Arena arena{64 * 1024};
  Sources sources;  // the manifest
  std::string json;
  HelmRelease() = default;
  HelmRelease(const HelmRelease&) = delete;
  HelmRelease& operator=(const HelmRelease&) = delete;
  ~HelmRelease();
};

/// The content of a release Secret (its data.release). An error too when one document of its manifest
/// cannot be read. Errors quote no value of it.
Result<std::unique_ptr<HelmRelease>> decode_helm_release(std::string_view data);

/// Every Secret of the release, in no order, whose label `owner` is `owner`.
struct HelmSecrets {
  std::vector<std::string> names;
  std::vector<std::unique_ptr<HelmRelease>> unfinished;  // revisions that came after it, the newest first
  std::unique_ptr<HelmRelease> latest;  // the deployed revision; null: there is none
};
Result<HelmSecrets> look_for_helm(kube::Client& client, const std::string& ns, const std::string& name, std::string_view owner);

}  // namespace dbm::release
