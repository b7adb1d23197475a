#include "sql/acl.h"

#include <algorithm>

namespace dbm::sql {
namespace {

/// A name up to `end`, which is taken off too: letters as they are, others in quotes, a quote twice.
bool take_name(std::string_view& text, char end, std::string& out) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        out += '"';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (c == end && !quoted) {
      text.remove_prefix(i + 1);
      return true;
    } else {
      out += c;
    }
  }
  return false;
}

}  // namespace

Acl parse_acl(std::string_view text) {
  Acl out;
  while (!text.empty()) {
    std::string grantee;
    if (!take_name(text, '=', grantee)) break;
    const size_t slash = text.find('/');
    if (slash == text.npos) break;
    std::string letters(text.substr(0, slash));
    std::erase(letters, '*');
    text.remove_prefix(slash + 1);
    std::string grantor;
    if (!take_name(text, kAclSeparator, grantor)) text = {};
    const auto known = std::ranges::find(out, grantee, &Grant::grantee);
    if (known != out.end())
      known->letters += missing_letters(letters, known->letters);
    else
      out.push_back({std::move(grantee), std::move(letters)});
  }
  return out;
}

std::string_view letters_of(const Acl& acl, std::string_view grantee) {
  const auto found = std::ranges::find(acl, grantee, &Grant::grantee);
  return found == acl.end() ? std::string_view() : std::string_view(found->letters);
}

std::string missing_letters(std::string_view wanted, std::string_view held) {
  std::string out;
  for (const char c : wanted)
    if (held.find(c) == held.npos) out += c;
  return out;
}

std::string privilege_names(std::string_view letters) {
  struct Name {
    char letter;
    std::string_view text;
  };
  static constexpr Name kNames[] = {
      {'r', "SELECT"},   {'a', "INSERT"},     {'w', "UPDATE"},  {'d', "DELETE"},
      {'D', "TRUNCATE"}, {'x', "REFERENCES"}, {'t', "TRIGGER"}, {'m', "MAINTAIN"},
      {'X', "EXECUTE"},  {'U', "USAGE"},      {'C', "CREATE"},  {'c', "CONNECT"},
      {'T', "TEMPORARY"}};
  std::string out;
  for (const char letter : letters) {
    const auto* name = std::ranges::find(kNames, letter, &Name::letter);
    if (name == std::end(kNames)) continue;
    if (!out.empty()) out += ", ";
    out += name->text;
  }
  return out;
}

}  // namespace dbm::sql
