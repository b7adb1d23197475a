#pragma once

// The objects that a file asks for, as they would be sent: every one of them in memory, with where
// the server keeps its kind and in which order kinds are written.

#include <compare>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/kinds.h"
#include "release/release.h"
#include "render/render.h"

namespace dbm::release {

/// Views into what named it.
struct Id {
  std::string_view group_kind, ns, name;
  auto operator<=>(const Id&) const = default;
};

enum class Made : uint8_t {
  kByFile,    // ours: nobody else's object is taken over
  kOnce,      // a Secret with a generated password: made once, its password is never written again
  kForeign,   // one of the file's extraObjects, as it stands there
};

struct Object {
  const kube::Resource* resource = nullptr;
  std::string_view ns, name;
  yaml::Value value;
  std::string_view cluster;  // that it belongs to; empty: none
  Made made = Made::kByFile;
  int stage = 0;  // written after all of the stages before

  Id id() const { return {group_kind, ns, name}; }
  std::string_view group_kind;
};

/// Kinds of the objects in the order of their stages; what is not named comes in kOthers.
enum Stage : int { kBefore, kSecrets, kClusters, kOthers };
int stage_of(const kube::Resource& resource);

/// All that there is to say about what is wanted.
struct Wanted {
  Wanted() = default;
  Wanted(const Wanted&) = delete;
  Wanted& operator=(const Wanted&) = delete;

  yaml::Arena arena{1 << 20};
  std::vector<Object> objects;  // in the order of their stages, within one in that of the file
};

struct WantedInput {
  const spec::Values* values = nullptr;
  std::span<const render::ClusterPlan> clusters;
  const render::Options* options = nullptr;
  render::PasswordOf password;
  /// True for Secrets of that name (in the release's namespace) whose password is generated.
  std::function<bool(std::string_view name)> is_made_once;
};

/// Renders. The values and `kinds` must outlive the result. An error when the server must be asked
/// about a kind first, and names it.
Status render_wanted(const WantedInput& input, kube::Kinds& kinds, Wanted& out);

/// What must be learnt from the server before anything can be rendered: true when the file has
/// objects of kinds that are not known beforehand.
bool has_unknown_kinds(const spec::Values& values);

}  // namespace dbm::release
