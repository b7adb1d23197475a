#pragma once

// Which role may CONNECT to which database by the databases' ACLs: what has_database_privilege
// says, for all pairs at once. A million questions to the server become one query and a table of
// bits. Built once, read-only then: any thread.

#include <cstdint>
#include <vector>

#include "audit/memberships.h"
#include "audit/server.h"

namespace dbm::audit {

class ConnectPrivileges {
 public:
  ConnectPrivileges(const Server& server, const Memberships& memberships);

  /// Indices of Server::roles and Server::databases. A superuser may always; the owner of a
  /// database only by its ACL, as in PostgreSQL.
  bool may_connect(uint32_t role, uint32_t database) const {
    const size_t bit = size_t{role} * databases_ + database;
    return ((bits_[bit / 64] >> (bit % 64)) & 1) != 0;
  }

 private:
  void set(uint32_t role, uint32_t database) {
    const size_t bit = size_t{role} * databases_ + database;
    bits_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  size_t databases_;
  std::vector<uint64_t> bits_;
};

}  // namespace dbm::audit
