#pragma once

// The regular expressions of pg_hba.conf (PostgreSQL 16 and later): POSIX AREs in the C collation.
// Those that mean the same to RE2 are decided; of all others the answer is "maybe", never a guess.

#include <memory>
#include <string_view>

namespace re2 {
class RE2;
}

namespace dbm::audit {

/// In this order: the best of a list of names is its maximum, of names and names the minimum.
enum class Match : uint8_t { kNo, kMaybe, kYes };

/// Threads: match() from any number at once.
class Pattern {
 public:
  explicit Pattern(std::string_view are);  // without the `/`
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  /// Found anywhere in `name`, as hba.c searches.
  Match match(std::string_view name) const;

 private:
  std::unique_ptr<re2::RE2> compiled_;  // null: undecided
};

}  // namespace dbm::audit
