// The JSON for machines. Pairs that are shut as expected are counted, not listed.

#include <fmt/format.h>

#include "audit/report.h"
#include "yaml/writer.h"

namespace dbm::audit {
namespace {

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kShut:
      return "shut";
    case Verdict::kOpen:
      return "open";
    case Verdict::kBreach:
      return "breach";
    case Verdict::kBlocked:
      return "blocked";
    case Verdict::kDepends:
      return "depends";
    case Verdict::kFree:
      break;
  }
  return "free";
}

std::string_view word(Outcome outcome) {
  switch (outcome) {
    case Outcome::kEntered:
      return "entered";
    case Outcome::kRefusedByHba:
      return "refused-by-hba";
    case Outcome::kRefusedPassword:
      return "wrong-password";
    case Outcome::kAskedForPassword:
      return "asked-for-password";
    case Outcome::kPasswordWithheld:
      return "password-withheld";
    case Outcome::kNoPrivilege:
      return "no-connect-privilege";
    case Outcome::kRefusedByPooler:
      return "refused-by-pooler";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kNoAnswer:
      break;
  }
  return "no-answer";
}

std::string_view word(Lock lock) {
  switch (lock) {
    case Lock::kNothing:
      return "";
    case Lock::kHba:
      return "hba";
    case Lock::kPassword:
      return "password";
    case Lock::kPrivilege:
      return "privilege";
    case Lock::kDatabase:
      return "database";
    case Lock::kLimit:
      break;
  }
  return "limit";
}

/// Writes `"key":value` pairs with their commas.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  Object& text(std::string_view key, std::string_view value) {
    begin(key);
    yaml::write_json_string(out_, value);
    return *this;
  }
  Object& raw(std::string_view key, std::string_view value) {
    begin(key);
    out_ += value;
    return *this;
  }
  Object& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  /// A list: `write(item)` writes each, on a line of its own.
  template <class List, class Write>
  Object& list(std::string_view key, const List& items, const Write& write) {
    begin(key);
    std::string_view before = "[\n";
    bool any = false;
    for (const auto& item : items) {
      const size_t size = out_.size();
      out_ += before;
      if (!write(item)) {
        out_.resize(size);
        continue;
      }
      before = ",\n";
      any = true;
    }
    out_ += any ? "\n]" : "[]";
    return *this;
  }
  void end() { out_ += '}'; }

 private:
  void begin(std::string_view key) {
    if (!first_) out_ += ",";
    first_ = false;
    yaml::write_json_string(out_, key);
    out_ += ':';
  }
  std::string& out_;
  bool first_ = true;
};

}  // namespace

std::string report_json(const Audit& audit, const std::vector<Fixed>& fixed) {
  const Server& server = audit.server;
  std::string out;
  Object root(out);
  root.text("cluster", audit.cluster).flag("asExpected", audit.good());
  root.raw("serverVersion", std::to_string(server.version));
  root.raw("roles", std::to_string(audit.matrix.roles.size()));
  root.raw("databases", std::to_string(audit.matrix.databases.size()));
  std::string counts;
  Object verdicts(counts);
  for (size_t v = 0; v < kVerdicts; ++v)
    verdicts.raw(word(static_cast<Verdict>(v)), std::to_string(audit.matrix.counts[v]));
  verdicts.end();
  root.raw("verdicts", counts);

  const Matrix& m = audit.matrix;
  root.list("pairs", m.cells, [&](const Cell& cell) {
    if (cell.verdict == Verdict::kShut && !cell.attempted) return false;
    const size_t at = static_cast<size_t>(&cell - m.cells.data());
    Object pair(out);
    pair.text("role", server.roles[m.roles[at / m.databases.size()]].name)
        .text("database", server.databases[m.databases[at % m.databases.size()]].name)
        .text("verdict", word(cell.verdict));
    if (cell.lock != Lock::kNothing) pair.text("lock", word(cell.lock));
    if (cell.rule != UINT32_MAX) {
      const HbaRule& rule = server.rules[cell.rule];
      pair.raw("line", std::to_string(rule.line)).text("method", rule.method);
      if (!rule.file.empty()) pair.text("file", rule.file);
    }
    if (!cell.sure) pair.flag("sure", false);
    if (cell.attempted) pair.flag("entered", cell.entered);
    pair.end();
    return true;
  });
  root.list("attempts", audit.attempts, [&](const Attempt& attempt) {
    Object one(out);
    one.text("role", server.roles[attempt.role].name)
        .text("database", server.databases[attempt.database].name)
        .text("pooler", audit.entrances[attempt.entrance].name)
        .text("outcome", word(attempt.outcome));
    if (!attempt.message.empty()) one.text("message", attempt.message);
    one.end();
    return true;
  });
  root.list("findings", audit.findings, [&](const Finding& finding) {
    Object one(out);
    one.text("severity", finding.error ? "error" : "warning")
        .text("code", finding.code)
        .text("object", finding.object)
        .text("why", finding.why)
        .text("help", finding.hint)
        .flag("fixable", finding.fixable)
        .end();
    return true;
  });
  root.list("fixed", fixed, [&](const Fixed& one_fixed) {
    Object one(out);
    one.text("action", one_fixed.action).flag("done", one_fixed.failure.empty());
    if (!one_fixed.failure.empty()) one.text("failure", one_fixed.failure);
    one.end();
    return true;
  });
  root.end();
  out += '\n';
  return out;
}

}  // namespace dbm::audit
