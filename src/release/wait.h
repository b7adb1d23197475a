#pragma once

// Following objects until they are ready: lists and watches, with the operators' own words about
// what is not. Writes one thing: a Database is nudged (an annotation) when its owner's role is there. Before
// that it failed, or was put off without a word since the primary's Pod was not yet the current primary,
// and its operator would look again half a minute later.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kube/kinds.h"
#include "release/ready.h"
#include "release/release.h"

namespace dbm::release {

struct Followed {
  const kube::Resource* resource = nullptr;
  std::string ns, name;
  Readiness readiness;
};

/// What is waited for, by group kind: namespace and name.
using Targets = std::map<std::string, std::vector<std::pair<std::string, std::string>>, std::less<>>;

struct WaitResult {
  bool ready = false, interrupted = false;  // neither: the deadline passed
  std::vector<Followed> followed;
  Status failure = Ok{};  // the server refused a list or a watch: it would never end
};

/// Until all are ready or the client's deadline. `changed` is called whenever something did.
WaitResult wait_until_ready(kube::Client& client, kube::Kinds& kinds, const Release& release, const Targets& targets,
                            const std::function<void(const std::vector<Followed>&)>& changed);

/// The same, ready or not, until the deadline or an interrupt. Nudges nobody.
WaitResult follow(kube::Client& client, kube::Kinds& kinds, const Release& release, const Targets& targets,
                  const std::function<void(const std::vector<Followed>&)>& changed);

}  // namespace dbm::release
