#pragma once

// The verdict on every login role and every database: what should be against what is, by
// pg_hba.conf, passwords and privileges together. A pure function of the look and the file.

#include <cstdint>
#include <vector>

#include "audit/expected.h"
#include "audit/hba.h"
#include "audit/privileges.h"

namespace dbm::audit {

enum class Verdict : uint8_t {
  kShut,     // as expected
  kOpen,     // as expected
  kBreach,   // open, and should be shut
  kBlocked,  // shut, and should be open
  kDepends,  // open to whom the server's operating system takes for the role (peer)
  kFree,     // open, and isolation is off
};
constexpr size_t kVerdicts = 6;

/// What shuts a door; kNothing where it is open.
enum class Lock : uint8_t { kNothing, kHba, kPassword, kPrivilege, kDatabase, kLimit };

/// One role and one database.
struct Cell {
  Verdict verdict = Verdict::kShut;
  Lock lock = Lock::kHba;
  Way way = Way::kPlain;
  bool expected = false;
  bool sure = true;                         // false: a "maybe" had a part in it (hba.h)
  bool attempted = false, entered = false;  // a real login was tried, and got in
  uint32_t rule = UINT32_MAX;               // the line that lets in, as index of Server::rules
};

/// Rows are the roles that may log in, columns all databases: indices of Server::roles and
/// ::databases, in the order of their names.
struct Matrix {
  std::vector<uint32_t> roles, databases;
  std::vector<Cell> cells;
  size_t counts[kVerdicts] = {};

  Cell& at(size_t row, size_t column) { return cells[row * databases.size() + column]; }
  const Cell& at(size_t row, size_t column) const { return cells[row * databases.size() + column]; }
  void count();
};

/// How a door can be passed by a role, weakest to widest.
enum class Passage : uint8_t { kNone, kByOs, kByProof, kFreely };
Passage passage(const Server& server, uint32_t role, const HbaRule& rule);

/// `isolated`: isolation.enabled of the file.
Matrix make_matrix(const Server& server, const Expected& expected, const Hba& hba,
                   const ConnectPrivileges& privileges, bool isolated);

}  // namespace dbm::audit
