#pragma once

// A release of Helm 3 or 4 as Helm stores it in a Secret: its values and the objects that it made.
// Source: pkg/storage/driver (Secrets) of helm.sh/helm/v3 and v4: base64 of gzip of JSON.

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

/// How Helm wrote the objects of a revision, which decides what metadata.managedFields calls their
/// manager: `helm` with operation Update, or Apply. Helm 3 knows client-side apply only.
/// Source: `apply_method` of a release of Helm 4, "csa" or "ssa"; absent: client-side, as Helm 4 reads it.
enum class ApplyMethod : uint8_t { kClientSide, kServerSide };

/// An object of a revision that failed, which no deployed revision has.
struct Leftover {
  yaml::Value object;
  ApplyMethod method;
};

/// Owns what its values point at. The texts may hold passwords: its JSON and its manifest are wiped when
/// it goes. Single texts that were unescaped stand in `arena`, which is only freed.
struct HelmRelease {
  std::string name, status, chart;  // chart: "cnpg-database-manager-0.5.0"
  int64_t revision = 0;
  ApplyMethod method = ApplyMethod::kClientSide;
  yaml::Value values;                // what the chart was rendered with: its defaults and the user's over them
  std::vector<yaml::Value> objects;  // of the manifest
  /// What newer revisions that failed, or never ended, have besides: some of it may be there. Points
  /// into those revisions.
  std::vector<Leftover> leftovers;

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

/// Which of a release's Secrets are looked for, by their label `owner`.
enum class HelmOwner : uint8_t {
  kHelm,  // that Helm sees
  kAny,   // those hidden from it too: an adoption, or a way back, may have been interrupted
};

/// The Secrets of a release, in no order.
struct HelmSecrets {
  std::vector<std::string> names;
  std::vector<std::unique_ptr<HelmRelease>> unfinished;  // revisions that came after it, the newest first
  std::unique_ptr<HelmRelease> latest;  // the deployed revision; null: there is none
};
Result<HelmSecrets> look_for_helm(kube::Client& client, const std::string& ns, const std::string& name,
                                  HelmOwner owner);

}  // namespace dbm::release
