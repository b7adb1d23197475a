#include "audit/matrix.h"

#include <algorithm>

namespace dbm::audit {
namespace {

/// peer and ident: who the operating system says a user is, by a map of pg_ident.conf or by name.
Passage by_os(const Server& server, uint32_t role, const HbaRule& rule) {
  std::string_view map;
  for (const std::string_view option : rule.options)
    if (option.starts_with("map=")) map = option.substr(4);
  if (map.empty() || server.major() < 15) return Passage::kByOs;
  for (const Mapping& mapping : server.mappings) {
    if (mapping.map != map) continue;
    const std::string_view name = mapping.role;
    if (name == server.roles[role].name || name == "all" || name.starts_with('+') ||
        name.starts_with('/') || name.find('\\') != name.npos)
      return Passage::kByOs;
  }
  return Passage::kNone;
}

bool asks_for_password(std::string_view method) {
  return method == "scram-sha-256" || method == "md5" || method == "password";
}

/// The widest of the doors; a sure one before one that only may be there, a network's before the
/// machine's own.
Passage widest(const Server& server, uint32_t role, const std::vector<Door>& doors, Cell& cell) {
  const auto asks = [](const Door& door) { return asks_for_password(door.rule->method); };
  cell.lock = std::ranges::any_of(doors, asks) ? Lock::kPassword : Lock::kHba;
  Passage best = Passage::kNone;
  int best_rank = 0;
  for (const Door& door : doors) {
    const Passage now = passage(server, role, *door.rule);
    if (now == Passage::kNone) continue;
    const int rank = 1 + (now >= Passage::kByProof ? 8 : 0) + (door.sure ? 4 : 0) +
                     (now == Passage::kFreely ? 2 : 0) + (door.way != Way::kLocal ? 1 : 0);
    if (rank <= best_rank) continue;
    best_rank = rank;
    best = now;
    cell.lock = Lock::kNothing;
    cell.way = door.way;
    cell.sure = door.sure;
    cell.rule = static_cast<uint32_t>(door.rule - server.rules.data());
  }
  return best;
}

/// What shuts a database behind its door.
Lock inner_lock(const Server& server, const ConnectPrivileges& privileges, uint32_t role,
                uint32_t database) {
  const Role& r = server.roles[role];
  const Database& d = server.databases[database];
  if (!d.accepts) return Lock::kDatabase;
  if (r.superuser) return Lock::kNothing;
  if (!privileges.may_connect(role, database)) return Lock::kPrivilege;
  if (r.connection_limit == 0 || d.connection_limit == 0) return Lock::kLimit;
  return Lock::kNothing;
}

Verdict verdict(const Cell& cell, Passage best, bool must, bool isolated) {
  if (cell.lock != Lock::kNothing) return must ? Verdict::kBlocked : Verdict::kShut;
  if (best == Passage::kByOs) return Verdict::kDepends;
  if (cell.expected) return Verdict::kOpen;
  return isolated ? Verdict::kBreach : Verdict::kFree;
}

}  // namespace

void Matrix::count() {
  std::ranges::fill(counts, 0U);
  for (const Cell& cell : cells) ++counts[static_cast<size_t>(cell.verdict)];
}

Passage passage(const Server& server, uint32_t role, const HbaRule& rule) {
  const Role& r = server.roles[role];
  const std::string_view method = rule.method;
  if (method == "trust") return Passage::kFreely;
  if (method == "scram-sha-256")
    return r.password == PasswordKind::kScram && !r.expired ? Passage::kByProof : Passage::kNone;
  if (method == "md5" || method == "password")
    return r.password != PasswordKind::kNone && !r.expired ? Passage::kByProof : Passage::kNone;
  if (method == "peer") return by_os(server, role, rule);
  return Passage::kByProof;  // a certificate, or somebody outside who vouches
}

Matrix make_matrix(const Server& server, const Expected& expected, const Hba& hba,
                   const ConnectPrivileges& privileges, bool isolated) {
  Matrix out;
  for (uint32_t role = 0; role < server.roles.size(); ++role)
    if (server.roles[role].login) out.roles.push_back(role);
  for (uint32_t d = 0; d < server.databases.size(); ++d) out.databases.push_back(d);
  out.cells.resize(out.roles.size() * out.databases.size());
  std::vector<Door> doors;
  for (size_t row = 0; row < out.roles.size(); ++row) {
    const uint32_t role = out.roles[row];
    for (size_t column = 0; column < out.databases.size(); ++column) {
      const uint32_t database = out.databases[column];
      Cell& cell = out.at(row, column);
      hba.doors(role, database, doors);
      const Passage best = widest(server, role, doors, cell);
      if (cell.lock == Lock::kNothing) cell.lock = inner_lock(server, privileges, role, database);
      cell.expected = expected.may_enter(role, database);
      if (expected.is_operators(role) && cell.lock == Lock::kNothing &&
          server.rules[cell.rule].method == "cert")
        cell.expected = true;
      cell.verdict = verdict(cell, best, expected.must_enter(role, database), isolated);
    }
  }
  out.count();
  return out;
}

}  // namespace dbm::audit
