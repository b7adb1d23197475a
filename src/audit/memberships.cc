#include "audit/memberships.h"

#include <algorithm>

namespace dbm::audit {
namespace {

using Lists = std::vector<std::vector<uint32_t>>;

Lists closure(const Lists& direct) {
  Lists out(direct.size());
  std::vector<uint32_t> seen(direct.size(), UINT32_MAX);  // by whom last
  for (uint32_t role = 0; role < direct.size(); ++role) {
    std::vector<uint32_t>& reached = out[role];
    reached.push_back(role);
    seen[role] = role;
    for (size_t i = 0; i < reached.size(); ++i)
      for (const uint32_t next : direct[reached[i]])
        if (seen[next] != role) {
          seen[next] = role;
          reached.push_back(next);
        }
    std::ranges::sort(reached);
  }
  return out;
}

}  // namespace

Memberships::Memberships(const Server& server) {
  for (uint32_t i = 0; i < server.roles.size(); ++i) {
    names_.emplace(server.roles[i].name, i);
    oids_.emplace(server.roles[i].oid, i);
  }
  Lists direct[3];
  for (Lists& lists : direct) lists.resize(server.roles.size());
  for (const Membership& m : server.memberships) {
    const auto role = find(m.role), member = find(m.member);
    if (!role || !member) continue;
    direct[static_cast<size_t>(By::kAny)][*member].push_back(*role);
    if (m.inherit) direct[static_cast<size_t>(By::kInherit)][*member].push_back(*role);
    if (m.set) direct[static_cast<size_t>(By::kSet)][*member].push_back(*role);
  }
  for (size_t by = 0; by < 3; ++by) reach_[by] = closure(direct[by]);
}

bool Memberships::is_member(uint32_t role, uint32_t of_role, By by) const {
  return std::ranges::binary_search(of(role, by), of_role);
}

std::optional<uint32_t> Memberships::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found != names_.end() ? std::optional(found->second) : std::nullopt;
}

std::optional<uint32_t> Memberships::find(Oid oid) const {
  const auto found = oids_.find(oid);
  return found != oids_.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace dbm::audit
