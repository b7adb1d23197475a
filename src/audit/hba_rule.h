#pragma once

// A line of pg_hba.conf as pg_hba_file_rules shows it, and what the view does not show: whether a
// name was quoted. `all` is a keyword and "all" is a name; the view writes both as all. The file's
// own text, where it can be read, tells them apart.

#include <string>
#include <string_view>
#include <vector>

namespace dbm::audit {

enum class Quoted : uint8_t { kUnknown, kNo, kYes };

struct HbaToken {
  std::string text;
  Quoted quoted = Quoted::kUnknown;
};

/// `error` is what PostgreSQL says against the line. Where it cannot read it at all, nothing else
/// is there; a hostssl line without TLS is whole, and only fits nobody.
struct HbaRule {
  int line = 0;
  std::string file;  // PostgreSQL 16 and later
  std::string type;  // local, host, hostssl, hostnossl, hostgssenc, hostnogssenc
  std::vector<HbaToken> databases, users;
  std::string address, netmask;  // address: an address, a host name, all, samehost, samenet
  std::string method;
  std::vector<std::string> options;  // "map=local"
  std::string error;
  bool broken() const { return !error.empty() && type.empty(); }
};

/// Marks which names of the rules of `file` (any when empty) were quoted, as hba.c's next_token
/// reads `text`. What does not fit the text, and what came from an @file, stays unknown.
void mark_quoted(std::vector<HbaRule>& rules, std::string_view file, std::string_view text);

/// The elements of a PostgreSQL text[] in its text form.
std::vector<std::string> parse_text_array(std::string_view text);

}  // namespace dbm::audit
