#pragma once

// Who is a member of what, through others too. Roles are indices into Server::roles.
// Built once, read-only then: any thread.

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audit/server.h"

namespace dbm::audit {

/// Views into the Server, which must outlive it.
class Memberships {
 public:
  explicit Memberships(const Server& server);

  /// What of a membership counts on the way: all (what pg_hba's +group asks, a superuser being a
  /// member only where he was made one), what is inherited (privileges), what SET ROLE reaches.
  enum class By : uint8_t { kAny, kInherit, kSet };

  /// The roles that `role` is a member of, itself included; sorted.
  const std::vector<uint32_t>& of(uint32_t role, By by) const {
    return reach_[static_cast<size_t>(by)][role];
  }
  bool is_member(uint32_t role, uint32_t of_role, By by) const;

  std::optional<uint32_t> find(std::string_view name) const;
  std::optional<uint32_t> find(Oid oid) const;

 private:
  std::unordered_map<std::string_view, uint32_t> names_;
  std::unordered_map<Oid, uint32_t> oids_;
  std::vector<std::vector<uint32_t>> reach_[3];
};

}  // namespace dbm::audit
