#include "audit/hba.h"

#include <algorithm>
#include <array>
#include <bit>

namespace dbm::audit {
namespace {

constexpr uint8_t bit_of(Way way) { return static_cast<uint8_t>(1U << static_cast<unsigned>(way)); }

/// Which connections a type of line fits, as check_hba() has it: hostnossl takes GSSAPI's
/// encryption, hostnogssenc TLS.
uint8_t ways_of(std::string_view type) {
  constexpr uint8_t kPlain = bit_of(Way::kPlain), kTls = bit_of(Way::kTls),
                    kGss = bit_of(Way::kGss);
  if (type == "local") return bit_of(Way::kLocal);
  if (type == "hostssl") return kTls;
  if (type == "hostnossl") return kPlain | kGss;
  if (type == "hostgssenc") return kGss;
  if (type == "hostnogssenc") return kPlain | kTls;
  return kPlain | kTls | kGss;
}

bool is_pairwise(const HbaToken& token) {
  return token.quoted != Quoted::kYes &&
         (token.text == "sameuser" || token.text == "samerole" || token.text == "samegroup");
}

/// The meaning as a keyword and as a name, where the view does not say which: a keyword, unless
/// something has that name.
Match either(const HbaToken& token, bool name_exists, Match keyword, Match name) {
  if (token.quoted == Quoted::kNo || (token.quoted == Quoted::kUnknown && !name_exists))
    return keyword;
  if (token.quoted == Quoted::kYes) return name;
  return keyword == name ? keyword : Match::kMaybe;
}

/// What earlier lines have decided of the addresses of one way.
class Covered {
 public:
  bool has(const Network& network) const {
    return std::ranges::any_of(networks_, [&](const Network& n) { return n.covers(network); });
  }
  void add(const Network& network) { networks_.push_back(network); }
  bool all() const { return has(everywhere(false)) && has(everywhere(true)); }

 private:
  std::vector<Network> networks_;
};

}  // namespace

Hba::Hba(const Server& server, const Memberships& memberships)
    : server_(server), members_(memberships), regexes_(server.major() >= 16) {
  possible_ = bit_of(Way::kLocal) | bit_of(Way::kPlain);
  if (server.tls) possible_ |= bit_of(Way::kTls);
  const size_t words = (server.rules.size() + 63) / 64;
  const Bits none{std::vector<uint64_t>(words), std::vector<uint64_t>(words)};
  roles_.assign(server.roles.size(), none);
  databases_.assign(server.databases.size(), none);
  replication_ = none;
  pairwise_.resize(words);
  for (const HbaRule& rule : server.rules) compile(rule);
}

const Pattern& Hba::pattern(std::string_view token) {
  const auto found = patterns_.find(token);
  if (found != patterns_.end()) return found->second;
  return patterns_.emplace(std::string(token), Pattern(token.substr(1))).first->second;
}

void Hba::compile(const HbaRule& rule) {
  const size_t number = lines_.size();
  Line& line = lines_.emplace_back();
  if (rule.broken()) return;  // fits nothing
  line.ways = ways_of(rule.type);
  // Only a line that tells GSSAPI's encryption from others makes it worth a look.
  if ((rule.type == "hostgssenc" && rule.error.empty()) || rule.type == "hostnogssenc")
    possible_ |= bit_of(Way::kGss);
  line.reject = rule.method == "reject";
  line.same_host = rule.address == "samehost";
  line.same_net = rule.address == "samenet";
  if (rule.type == "local") {
  } else if (rule.address == "all") {
    line.networks = {everywhere(false), everywhere(true)};
  } else if (const auto network = parse_network(rule.address, rule.netmask)) {
    line.networks = {*network};
  } else {
    line.unknown_addresses = true;
  }

  // Names are found by looking them up; only what is no plain name is asked about every object.
  const auto plain = [&](const HbaToken& token, std::initializer_list<std::string_view> keywords) {
    if (token.text.empty() || (token.text[0] == '/' && regexes_)) return false;
    return std::ranges::find(keywords, token.text) == keywords.end() ||
           token.quoted == Quoted::kYes;
  };
  const auto prepare = [&](const HbaToken& token) {
    if (regexes_ && token.text.starts_with('/')) pattern(token.text);
  };
  for (const HbaToken& token : rule.users) {
    prepare(token);
    if (plain(token, {"all"}) && (token.text[0] != '+' || token.quoted == Quoted::kYes)) {
      if (const auto role = members_.find(std::string_view(token.text)))
        fill(roles_[*role], number, Match::kYes);
      continue;
    }
    for (uint32_t role = 0; role < roles_.size(); ++role)
      fill(roles_[role], number, match_user(token, role));
  }
  for (const HbaToken& token : rule.databases) {
    prepare(token);
    fill(replication_, number, match_replication(token));
    if (is_pairwise(token)) pairwise_[number / 64] |= uint64_t{1} << (number % 64);
    if (plain(token, {"all", "sameuser", "samerole", "samegroup", "replication"})) {
      const auto at = std::ranges::lower_bound(server_.databases, token.text, {}, &Database::name);
      if (at != server_.databases.end() && at->name == token.text)
        fill(databases_[static_cast<size_t>(at - server_.databases.begin())], number, Match::kYes);
      continue;
    }
    if (is_pairwise(token)) continue;
    for (uint32_t d = 0; d < databases_.size(); ++d)
      fill(databases_[d], number, match_database(token, server_.databases[d].name, 0));
  }
}

void Hba::fill(Bits& bits, size_t line, Match match) const {
  const uint64_t bit = uint64_t{1} << (line % 64);
  if (match == Match::kYes) bits.yes[line / 64] |= bit;
  if (match == Match::kMaybe) bits.maybe[line / 64] |= bit;
}

bool Hba::has_database(std::string_view name) const {
  return std::ranges::binary_search(server_.databases, name, {},
                                    [](const Database& d) -> std::string_view { return d.name; });
}

Match Hba::match_user(const HbaToken& token, uint32_t role) const {
  const std::string_view name = server_.roles[role].name, text = token.text;
  const Match literal = text == name ? Match::kYes : Match::kNo;
  if (text.starts_with('/') && regexes_) return patterns_.find(text)->second.match(name);
  if (text != "all" && !text.starts_with('+')) return literal;
  Match keyword = Match::kYes;
  if (text.starts_with('+')) {
    const auto group = members_.find(text.substr(1));
    const bool member = group && members_.is_member(role, *group, Memberships::By::kAny);
    keyword = member ? Match::kYes : Match::kNo;
  }
  return either(token, members_.find(text).has_value(), keyword, literal);
}

Match Hba::match_database(const HbaToken& token, std::string_view database, uint32_t role) const {
  const std::string_view text = token.text;
  const Match literal = text == database ? Match::kYes : Match::kNo;
  Match keyword = Match::kNo;
  if (text == "all") {
    keyword = Match::kYes;
  } else if (text == "sameuser") {
    keyword = server_.roles[role].name == database ? Match::kYes : Match::kNo;
  } else if (text == "samerole" || text == "samegroup") {
    const auto group = members_.find(database);
    const bool member = group && members_.is_member(role, *group, Memberships::By::kAny);
    keyword = member ? Match::kYes : Match::kNo;
  } else if (text == "replication") {
    keyword = Match::kNo;
  } else if (text.starts_with('/') && regexes_) {
    return patterns_.find(text)->second.match(database);
  } else {
    return literal;
  }
  return either(token, has_database(text), keyword, literal);
}

Match Hba::match_replication(const HbaToken& token) const {
  if (token.text != "replication") return Match::kNo;
  return either(token, has_database(token.text), Match::kYes, Match::kNo);
}

/// Of a line that for_each_line() found.
Match Hba::match_names(size_t line, uint32_t role, uint32_t database) const {
  const auto has = [&](const std::vector<uint64_t>& bits) {
    return ((bits[line / 64] >> (line % 64)) & 1) != 0;
  };
  const auto match = [&](const Bits& bits) {
    return has(bits.yes) ? Match::kYes : has(bits.maybe) ? Match::kMaybe : Match::kNo;
  };
  Match of_database = match(database == kReplication ? replication_ : databases_[database]);
  if (of_database != Match::kYes && database != kReplication && has(pairwise_))
    for (const HbaToken& token : server_.rules[line].databases)
      if (is_pairwise(token))
        of_database =
            std::max(of_database, match_database(token, server_.databases[database].name, role));
  return std::min(of_database, match(roles_[role]));
}

/// Calls visit(line, match) for the lines whose names fit, in order, until it returns false.
template <class Visit>
void Hba::for_each_line(uint32_t role, uint32_t database, const Visit& visit) const {
  const Bits& r = roles_[role];
  const Bits& d = database == kReplication ? replication_ : databases_[database];
  for (size_t word = 0; word < pairwise_.size(); ++word) {
    uint64_t of_database = d.yes[word] | d.maybe[word];
    if (database != kReplication) of_database |= pairwise_[word];
    for (uint64_t bits = (r.yes[word] | r.maybe[word]) & of_database; bits != 0; bits &= bits - 1) {
      const size_t line = word * 64 + static_cast<size_t>(std::countr_zero(bits));
      const Match match = match_names(line, role, database);
      if (match != Match::kNo && !visit(line, match)) return;
    }
  }
}

Match Hba::match_address(const Line& line, const Question& question) const {
  if (question.way == Way::kLocal) return Match::kYes;
  if (line.same_host || line.same_net)  // the interfaces of the server are not known
    return question.address.is_loopback() ? Match::kYes : Match::kMaybe;
  if (line.unknown_addresses) return Match::kMaybe;
  for (const Network& network : line.networks)
    if (network.contains(question.address)) return Match::kYes;
  return Match::kNo;
}

Decision Hba::decide(const Question& question) const {
  Decision out;
  for_each_line(question.role, question.database, [&](size_t number, Match match) {
    const Line& line = lines_[number];
    if ((line.ways & bit_of(question.way)) == 0) return true;
    match = std::min(match, match_address(line, question));
    if (match == Match::kNo) return true;
    if (match == Match::kMaybe) out.sure = false;
    if (match == Match::kMaybe && line.reject) return true;
    out.rule = &server_.rules[number];
    return false;
  });
  return out;
}

void Hba::doors(uint32_t role, uint32_t database, std::vector<Door>& out) const {
  out.clear();
  uint8_t left = possible_;  // ways that are not decided for every address yet
  std::array<Covered, kWays> covered;
  const auto visit = [&](size_t number, Match match) {
    const Line& line = lines_[number];
    for (size_t w = 0; w < kWays; ++w) {
      const Way way = static_cast<Way>(w);
      if ((line.ways & left & bit_of(way)) == 0) continue;
      const bool local = way == Way::kLocal;
      const bool fresh =
          local || line.unknown_addresses ||
          std::ranges::any_of(line.networks, [&](const Network& n) { return !covered[w].has(n); });
      const bool sure = match == Match::kYes && !line.unknown_addresses;
      if (fresh && !line.reject) out.push_back({&server_.rules[number], way, sure});
      if (!sure) continue;
      for (const Network& network : line.networks) covered[w].add(network);
      if (local || covered[w].all()) left &= static_cast<uint8_t>(~bit_of(way));
    }
    return left != 0;
  };
  for_each_line(role, database, visit);
}

}  // namespace dbm::audit
