#pragma once

// Decides as PostgreSQL's hba.c does: the first line of pg_hba.conf that fits a connection decides.
//
// Three answers where the server's view does not say enough: a name that may be a keyword (see
// HbaToken: only where an object of that name exists), a host name, samehost and samenet, a regular
// expression that is not understood. What "maybe" fits is taken on the safe side: a line that lets
// in is a door (not a sure one), a line that rejects is passed over.
// Pure; the Server and the Memberships must outlive it. Built once, read-only then: any thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "audit/address.h"
#include "audit/memberships.h"
#include "audit/pattern.h"
#include "audit/server.h"

namespace dbm::audit {

/// How a client comes: by a Unix socket, or over TCP plain, in TLS or in GSSAPI's encryption.
enum class Way : uint8_t { kLocal, kPlain, kTls, kGss };
constexpr size_t kWays = 4;

/// As `database`: a physical replication connection, which belongs to no database.
constexpr uint32_t kReplication = UINT32_MAX;

/// Indices of Server::roles and Server::databases. `address` is the client's; unused for kLocal.
struct Question {
  uint32_t role = 0, database = 0;
  Way way = Way::kPlain;
  Address address = {};
};

/// The line that decided; null where none fits, which shuts the door. `sure` is false where a
/// "maybe" had a part in it.
struct Decision {
  const HbaRule* rule = nullptr;
  bool sure = true;
  bool open() const { return rule != nullptr && rule->method != "reject"; }
};

/// A line that lets a role into a database from some address at least.
struct Door {
  const HbaRule* rule = nullptr;
  Way way = Way::kPlain;
  bool sure = true;
};

class Hba {
 public:
  Hba(const Server& server, const Memberships& memberships);

  /// One connection.
  Decision decide(const Question& question) const;
  /// Every door from anywhere, in the order of the lines: those that earlier lines shut for all of
  /// their addresses are left out. (Two halves of a network are not added up: then a door too many
  /// is told, never one too few.)
  void doors(uint32_t role, uint32_t database, std::vector<Door>& out) const;

 private:
  struct Line {
    uint8_t ways = 0;  // bits of Way
    bool reject = false, unknown_addresses = false, same_host = false, same_net = false;
    std::vector<Network> networks;
  };
  /// A bit a line, for one role or one database.
  struct Bits {
    std::vector<uint64_t> yes, maybe;
  };
  using Names = std::map<std::string_view, std::vector<uint32_t>>;  // name -> lines

  void compile(const HbaRule& rule);
  const Pattern& pattern(std::string_view token);
  bool has_database(std::string_view name) const;
  Match match_user(const HbaToken& token, uint32_t role) const;
  Match match_database(const HbaToken& token, std::string_view database, uint32_t role) const;
  Match match_replication(const HbaToken& token) const;
  Match match_names(size_t line, uint32_t role, uint32_t database) const;
  Match match_address(const Line& line, const Question& question) const;
  void fill(Bits& bits, size_t line, Match match) const;
  template <class Visit>
  void for_each_line(uint32_t role, uint32_t database, const Visit& visit) const;

  const Server& server_;
  const Memberships& members_;
  bool regexes_;          // this PostgreSQL knows them
  uint8_t possible_ = 0;  // the ways that this server knows
  std::vector<Line> lines_;
  std::map<std::string, Pattern, std::less<>> patterns_;
  std::vector<Bits> roles_, databases_;
  Bits replication_;
  std::vector<uint64_t> pairwise_;  // lines whose databases depend on the role: sameuser, samerole
};

}  // namespace dbm::audit
