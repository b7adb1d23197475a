#pragma once

// Access privileges as PostgreSQL writes them (aclitem, 5.7): `grantee=letters/grantor`, one after
// the other. Pure: any thread.

#include <string>
#include <string_view>
#include <vector>

namespace dbm::sql {

/// What one role may do; `grantee` is empty for PUBLIC. `*` (may grant it on) is left out.
struct Grant {
  std::string grantee, letters;
};

/// An object's privileges, one entry a grantee.
using Acl = std::vector<Grant>;

/// Stands between the items: no name has it unquoted.
inline constexpr char kAclSeparator = ',';

/// Reads array_to_string(acl, ','), whatever the names in it: they are quoted where they must be.
/// Stops at what it cannot read.
Acl parse_acl(std::string_view text);

/// The letters of a grantee; empty when there are none.
std::string_view letters_of(const Acl& acl, std::string_view grantee);

/// Those of `wanted` that `held` lacks, in the order of `wanted`.
std::string missing_letters(std::string_view wanted, std::string_view held);

/// "SELECT, INSERT" for "ra".
std::string privilege_names(std::string_view letters);

}  // namespace dbm::sql
