#include "audit/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace dbm::audit {
namespace {

/// The columns of one row, under what they have in common.
template <class Key>
using Groups = std::map<Key, std::vector<std::string_view>>;

void tell_missing(const Evidence& e, Findings& out) {
  for (const std::string& name : e.expected.missing_databases())
    out.error("missing-database", "database " + name,
              "the values file names it, the server has none",
              "make it: cnpg-dbm up, or the operator's Database object");
  for (const std::string& name : e.expected.missing_roles())
    out.error("missing-role", "role " + name, "the values file names it, the server has none",
              "make it: cnpg-dbm up, or the cluster's managed roles");
}

std::string breach_hint(const Evidence& e, uint32_t role) {
  if (e.server.roles[role].superuser)
    return "a superuser enters everything: keep him off the network (a reject line for his name), "
           "or "
           "set enableSuperuserAccess: true";
  if (e.expected.role(role) == nullptr)
    return "the values file does not know this role: drop it, take its LOGIN, or list it under "
           "isolation.allow";
  return "a line of pg_hba.conf lets it in, and CONNECT is granted: keep isolation.enabled, and "
         "run "
         "audit --fix for the grants";
}

void tell_row(const Evidence& e, size_t row, Findings& out) {
  const uint32_t role = e.matrix.roles[row];
  const std::string object = "role " + e.server.roles[role].name;
  Groups<std::pair<uint32_t, bool>> breaches;  // by line, and whether it is sure
  Groups<Lock> blocked;
  bool entered = false;  // tried, too
  for (size_t column = 0; column < e.matrix.databases.size(); ++column) {
    const Cell& cell = e.matrix.at(row, column);
    const std::string_view database = e.server.databases[e.matrix.databases[column]].name;
    if (cell.verdict == Verdict::kBreach) breaches[{cell.rule, cell.sure}].push_back(database);
    entered |= cell.verdict == Verdict::kBreach && cell.entered;
    if (cell.verdict == Verdict::kBlocked) blocked[cell.lock].push_back(database);
  }
  for (const auto& [key, databases] : breaches) {
    const auto [rule, sure] = key;
    out.error(
        "breach", object,
        fmt::format("{} enter {} by {}, and the values file does not let it{}",
                    sure ? "can" : "may", list_names(databases), describe(e.server.rules[rule]),
                    entered ? "; it logged in when tried" : ""),
        breach_hint(e, role));
  }
  for (const auto& [lock, databases] : blocked)
    out.error("blocked", object,
              fmt::format("cannot enter {}: {}", list_names(databases), to_string(lock)),
              lock == Lock::kPassword ? "give it a password that has not expired"
              : lock == Lock::kHba
                  ? "isolation writes a line a database: is it there, and does none "
                    "before it reject?"
                  : "converge the server: cnpg-dbm up");
}

/// Who comes in by a line without proving who he is.
void tell_free_doors(const Evidence& e, Findings& out) {
  std::map<uint32_t, std::set<std::string_view>> free;
  std::map<uint32_t, std::set<std::string_view>> weak;
  for (size_t row = 0; row < e.matrix.roles.size(); ++row)
    for (size_t column = 0; column < e.matrix.databases.size(); ++column) {
      const Cell& cell = e.matrix.at(row, column);
      if (cell.rule == UINT32_MAX || cell.lock != Lock::kNothing) continue;
      const std::string_view method = e.server.rules[cell.rule].method;
      const std::string_view name = e.server.roles[e.matrix.roles[row]].name;
      if (method == "trust") free[cell.rule].insert(name);
      if (method == "password" || method == "ident") weak[cell.rule].insert(name);
    }
  for (const auto& [rule, names] : free)
    out.error("trust", describe(e.server.rules[rule]),
              fmt::format("anyone comes in as {} without a password",
                          list_names({names.begin(), names.end()})),
              "scram-sha-256 instead of trust; peer for the machine's own socket");
  for (const auto& [rule, names] : weak)
    out.warning("weak-method", describe(e.server.rules[rule]),
                fmt::format("{} {} by a method that others can listen to or answer",
                            list_names({names.begin(), names.end()}),
                            names.size() == 1 ? "comes in" : "come in"),
                "scram-sha-256");
}

}  // namespace

std::string list_names(const std::vector<std::string_view>& names) {
  constexpr size_t kMost = 8;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) shown.push_back(printable(names[i]));
  if (names.size() > kMost) shown.push_back(fmt::format("{} more", names.size() - kMost));
  const std::vector<std::string_view> words(shown.begin(), shown.end());
  return join_and(words);
}

std::string describe(const HbaRule& rule) {
  const auto names = [](const std::vector<HbaToken>& tokens) {
    std::string out;
    for (const HbaToken& token : tokens) {
      if (!out.empty()) out += ',';
      out += token.quoted == Quoted::kYes ? fmt::format("\"{}\"", token.text) : token.text;
    }
    return printable(out, 40);
  };
  std::string address = rule.address;
  if (!rule.netmask.empty()) address += "/" + rule.netmask;
  return fmt::format("line {} of {} ({} {} {}{}{} {})", rule.line,
                     rule.file.empty() ? "pg_hba.conf" : printable(rule.file), rule.type,
                     names(rule.databases), names(rule.users), address.empty() ? "" : " ",
                     printable(address), rule.method);
}

std::string_view to_string(Lock lock) {
  switch (lock) {
    case Lock::kNothing:
      return "open";
    case Lock::kHba:
      return "no line of pg_hba.conf lets it in";
    case Lock::kPassword:
      return "it has no password that would let it in";
    case Lock::kPrivilege:
      return "it has no CONNECT privilege";
    case Lock::kDatabase:
      return "the database accepts no connections";
    case Lock::kLimit:
      break;
  }
  return "its connection limit is 0";
}

void find_in_matrix(const Evidence& e, Findings& out) {
  tell_missing(e, out);
  for (size_t row = 0; row < e.matrix.roles.size(); ++row) tell_row(e, row, out);
  tell_free_doors(e, out);
  if (!e.desired.isolated)
    out.warning("isolation-off", "cluster " + e.desired.cluster,
                "isolation.enabled is false: whoever has a password enters every database",
                "isolation.enabled: true");
}

std::vector<Finding> find_all(const Evidence& evidence) {
  Findings out;
  find_in_hba(evidence, out);
  find_in_matrix(evidence, out);
  find_in_attempts(evidence, out);
  find_in_roles(evidence, out);
  find_in_databases(evidence, out);
  std::vector<Finding> all = out.take();
  std::ranges::stable_partition(all, [](const Finding& finding) { return finding.error; });
  return all;
}

}  // namespace dbm::audit
