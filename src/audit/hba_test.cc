#include "audit/hba.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/testing.h"

namespace dbm::audit {
namespace {

using testing::grant;
using testing::rule;
using testing::server;

Question ask(const Server& s, std::string_view role, std::string_view database,
             std::string_view address = "10.1.2.3", Way way = Way::kPlain) {
  Question out;
  out.way = way;
  const auto index = [](const auto& list, std::string_view name) {
    for (uint32_t i = 0; i < list.size(); ++i)
      if (list[i].name == name) return i;
    ADD_FAILURE() << "no " << name;
    return 0U;
  };
  out.role = index(s.roles, role);
  out.database = database == "(replication)" ? kReplication : index(s.databases, database);
  out.address = *parse_address(address);
  return out;
}

/// The number of the line that decided, with `-` where it rejects, `?` where it is not sure; 0:
/// none.
std::string decide(const Server& s, const Question& q) {
  const Memberships members(s);
  const Decision d = Hba(s, members).decide(q);
  std::string out = std::to_string(d.rule != nullptr ? d.rule->line : 0);
  if (d.rule != nullptr && !d.open()) out.insert(0, "-");
  if (!d.sure) out += '?';
  return out;
}

/// The lines of all doors, each once.
std::vector<int> doors(const Server& s, std::string_view role, std::string_view database) {
  const Memberships members(s);
  std::vector<Door> found;
  const Question q = ask(s, role, database);
  Hba(s, members).doors(q.role, q.database, found);
  std::vector<int> out;
  for (const Door& door : found)
    if (out.empty() || out.back() != door.rule->line) out.push_back(door.rule->line);
  return out;
}

/// Who asks for what, by one line: the line is 1 when it fits and 0 when it does not.
struct Case {
  std::string_view line, role, database, address, expected;
  int major = 15;
  Way way = Way::kPlain;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.line << " | " << c.role << " " << c.database << " " << c.address; }
class HbaCases : public ::testing::TestWithParam<Case> {};

TEST_P(HbaCases, OneLine) {
  const Case& c = GetParam();
  Server s = server({"*root", "alice", "bob", "+team", "+outer", "carl"},
                    {"alice:alice", "team:bob", "shop:bob", "outer:bob"}, {c.line}, c.major);
  grant(s, "team", "alice");
  grant(s, "outer", "team");
  EXPECT_EQ(decide(s, ask(s, c.role, c.database, c.address, c.way)), c.expected) << c.line;
}

INSTANTIATE_TEST_SUITE_P(
    Names, HbaCases,
    ::testing::Values(
        Case{"host all all all trust", "alice", "shop", "10.1.2.3", "1"},
        Case{"host all all all reject", "alice", "shop", "10.1.2.3", "-1"},
        Case{"host \"all\" all all trust", "alice", "shop", "10.1.2.3", "0"},
        Case{"host all \"all\" all trust", "alice", "shop", "10.1.2.3", "0"},
        Case{"host shop alice all trust", "alice", "shop", "10.1.2.3", "1"},
        Case{"host shop alice all trust", "bob", "shop", "10.1.2.3", "0"},
        Case{"host shop,team alice,bob all trust", "bob", "team", "10.1.2.3", "1"},
        Case{"host shop,team alice,bob all trust", "bob", "alice", "10.1.2.3", "0"},
        Case{"host Shop alice all trust", "alice", "shop", "10.1.2.3", "0"},
        Case{"host sameuser all all trust", "alice", "alice", "10.1.2.3", "1"},
        Case{"host sameuser all all trust", "alice", "shop", "10.1.2.3", "0"},
        Case{"host \"sameuser\" all all trust", "alice", "alice", "10.1.2.3", "0"},
        Case{"host samerole all all trust", "alice", "team", "10.1.2.3", "1"},
        Case{"host samegroup all all trust", "alice", "outer", "10.1.2.3", "1"},
        Case{"host samerole all all trust", "alice", "alice", "10.1.2.3", "1"},  // of oneself
        Case{"host samerole all all trust", "bob", "team", "10.1.2.3", "0"},
        Case{"host samerole all all trust", "root", "team", "10.1.2.3", "0"},
        Case{"host all +team all trust", "alice", "shop", "10.1.2.3", "1"},
        Case{"host all +outer all trust", "alice", "shop", "10.1.2.3", "1"},
        Case{"host all +outer all trust", "bob", "shop", "10.1.2.3", "0"},
        Case{"host all +team all trust", "root", "shop", "10.1.2.3", "0"},
        Case{"host all \"+team\" all trust", "alice", "shop", "10.1.2.3", "0"},
        Case{"host all +bob all trust", "bob", "shop", "10.1.2.3", "1"},
        Case{"host all +nobody all trust", "bob", "shop", "10.1.2.3", "0"},
        Case{"host replication all all trust", "alice", "shop", "10.1.2.3", "0"},
        Case{"host replication all all trust", "alice", "(replication)", "10.1.2.3", "1"},
        Case{"host all all all trust", "alice", "(replication)", "10.1.2.3", "0"},
        Case{"host \"replication\" all all trust", "alice", "(replication)", "10.1.2.3", "0"}));

INSTANTIATE_TEST_SUITE_P(
    Patterns, HbaCases,
    ::testing::Values(Case{"host /^sh all all trust", "alice", "shop", "10.1.2.3", "0", 15},
                      Case{"host /^sh all all trust", "alice", "shop", "10.1.2.3", "1", 16},
                      Case{"host \"/^sh\" all all trust", "alice", "shop", "10.1.2.3", "1", 16},
                      Case{"host /^sh$ all all trust", "alice", "shop", "10.1.2.3", "0", 16},
                      Case{"host all /^(alice|bob)$ all trust", "bob", "shop", "10.1.2.3", "1", 16},
                      Case{"host all /^a.*e$ all trust", "alice", "shop", "10.1.2.3", "1", 17},
                      Case{"host all \"/^[a-c]{1,8}$\" all trust", "bob", "shop", "10.1.2.3", "0",
                           17},
                      Case{"host all /\\mbob all trust", "bob", "shop", "10.1.2.3", "1?", 17},
                      Case{"host all /\\mbob all reject", "bob", "shop", "10.1.2.3", "0?", 17},
                      Case{"host all /(b)\\1 all trust", "bob", "shop", "10.1.2.3", "1?", 17}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, HbaCases,
    ::testing::Values(Case{"host all all 10.0.0.0/255.0.0.0 trust", "bob", "shop", "10.1.2.3", "1"},
                      Case{"host all all 10.0.0.0/255.0.0.0 trust", "bob", "shop", "11.1.2.3", "0"},
                      Case{"host all all 10.0.0.3/255.0.0.255 trust", "bob", "shop", "10.9.9.3",
                           "1"},
                      Case{"host all all 0.0.0.0/0.0.0.0 trust", "bob", "shop", "::1", "0"},
                      Case{"host all all ::/:: trust", "bob", "shop", "::1", "1"},
                      Case{"host all all ::/:: trust", "bob", "shop", "10.1.2.3", "0"},
                      Case{"host all all fd00::/ff00:: trust", "bob", "shop", "fd00::7", "1"},
                      Case{"host all all samehost trust", "bob", "shop", "127.0.0.1", "1"},
                      Case{"host all all samehost trust", "bob", "shop", "10.1.2.3", "1?"},
                      Case{"host all all samenet reject", "bob", "shop", "10.1.2.3", "0?"},
                      Case{"host all all .example.com trust", "bob", "shop", "10.1.2.3", "1?"},
                      Case{"host all all db.example.com reject", "bob", "shop", "10.1.2.3", "0?"}));

INSTANTIATE_TEST_SUITE_P(
    Ways, HbaCases,
    ::testing::Values(
        Case{"local all all trust", "bob", "shop", "10.1.2.3", "1", 15, Way::kLocal},
        Case{"local all all trust", "bob", "shop", "10.1.2.3", "0", 15, Way::kPlain},
        Case{"host all all all trust", "bob", "shop", "10.1.2.3", "0", 15, Way::kLocal},
        Case{"host all all all trust", "bob", "shop", "10.1.2.3", "1", 15, Way::kTls},
        Case{"hostssl all all all trust", "bob", "shop", "10.1.2.3", "1", 15, Way::kTls},
        Case{"hostssl all all all trust", "bob", "shop", "10.1.2.3", "0", 15, Way::kPlain},
        Case{"hostssl all all all trust", "bob", "shop", "10.1.2.3", "0", 15, Way::kGss},
        Case{"hostnossl all all all trust", "bob", "shop", "10.1.2.3", "1", 15, Way::kGss},
        Case{"hostnossl all all all trust", "bob", "shop", "10.1.2.3", "0", 15, Way::kTls},
        Case{"hostgssenc all all all trust", "bob", "shop", "10.1.2.3", "0", 15, Way::kPlain},
        Case{"hostgssenc all all all trust", "bob", "shop", "10.1.2.3", "1", 15, Way::kGss},
        Case{"hostnogssenc all all all trust", "bob", "shop", "10.1.2.3", "1", 15, Way::kTls}));

TEST(Hba, TheFirstLineThatFitsDecides) {
  const Server s = server({"alice", "bob"}, {"a:alice", "b:bob"},
                          {"host a alice all scram-sha-256", "host b bob all scram-sha-256",
                           "host all all all reject", "host all all all trust"});
  EXPECT_EQ(decide(s, ask(s, "alice", "a")), "1");
  EXPECT_EQ(decide(s, ask(s, "alice", "b")), "-3");
  EXPECT_EQ(decide(s, ask(s, "bob", "b")), "2");
}

TEST(Hba, ALineThatCannotBeReadFitsNothing) {
  Server s = server({"alice"}, {"a:alice"}, {"host all all all trust", "host all all all reject"});
  s.rules[0] = {};
  s.rules[0].error = "invalid connection type";
  EXPECT_EQ(decide(s, ask(s, "alice", "a")), "-2");
}

// What the view shows as all may be a name; it is one only where there is something of that name.
TEST(Hba, UnknownQuotesAreTakenOnTheSafeSide) {
  const auto unknown = [](std::vector<std::string> roles, std::string_view line) {
    Server s = server(std::move(roles), {"shop:bob", "all:bob"}, {line});
    for (HbaToken& token : s.rules[0].users) token.quoted = Quoted::kUnknown;
    return s;
  };
  Server s = unknown({"alice", "bob"}, "host shop all all trust");
  EXPECT_EQ(decide(s, ask(s, "alice", "shop")), "1");
  s = unknown({"alice", "bob", "all"}, "host shop all all trust");
  EXPECT_EQ(decide(s, ask(s, "alice", "shop")), "1?");
  EXPECT_EQ(decide(s, ask(s, "all", "shop")), "1");
  s = unknown({"alice", "bob", "all"}, "host shop all all reject");
  EXPECT_EQ(decide(s, ask(s, "alice", "shop")), "0?");
}

TEST(Hba, ManyLinesKeepTheirOrder) {
  Server s = server({"alice", "bob"}, {"a:alice"}, {});
  for (int i = 0; i < 200; ++i) s.rules.push_back(rule("host other alice all trust", i + 1));
  s.rules.push_back(rule("host sameuser,a all all trust", 201));
  s.rules.push_back(rule("host all all all reject", 202));
  EXPECT_EQ(decide(s, ask(s, "alice", "a")), "201");
}

TEST(HbaDoors, AreShutByEarlierLinesForAllTheirAddresses) {
  const auto found = [](std::initializer_list<std::string_view> lines) {
    return doors(server({"alice"}, {"a:alice"}, lines), "alice", "a");
  };
  using Lines = std::vector<int>;
  EXPECT_EQ(found({"host all all all reject", "host all all all trust"}), Lines{});
  EXPECT_EQ(found({"host all all 0.0.0.0/0.0.0.0 reject", "host all all all trust"}), Lines{2});
  EXPECT_EQ(found({"host all all 0.0.0.0/0.0.0.0 reject", "host all all ::/:: reject",
                   "host all all all trust"}),
            Lines{});
  EXPECT_EQ(
      found({"host all all 10.0.0.0/255.0.0.0 reject", "host all all 10.7.0.0/255.255.0.0 trust"}),
      Lines{});
  EXPECT_EQ(
      found({"host all all 10.7.0.0/255.255.0.0 reject", "host all all 10.0.0.0/255.0.0.0 trust"}),
      Lines{2});
  EXPECT_EQ(found({"host a alice 10.0.0.0/255.0.0.0 scram-sha-256", "host all all all trust"}),
            (Lines{1, 2}));
  EXPECT_EQ(found({"hostssl all all all reject", "host all all all trust"}), Lines{2});
  EXPECT_EQ(found({"hostssl all all all reject", "hostnossl all all all reject",
                   "host all all all trust"}),
            Lines{});
  EXPECT_EQ(found({"host all all samenet reject", "host all all all trust"}), Lines{2});
  EXPECT_EQ(found({"local all all reject", "local all all trust", "host all all all reject"}),
            Lines{});
}

TEST(HbaDoors, WithoutTlsNobodyComesByIt) {
  Server s = server({"alice"}, {"a:alice"}, {"hostssl all all all trust"});
  EXPECT_EQ(doors(s, "alice", "a"), std::vector<int>{1});
  s.tls = false;
  EXPECT_EQ(doors(s, "alice", "a"), std::vector<int>{});
}

TEST(HbaRule, QuotesAreReadAsPostgresqlReadsThem) {
  const auto quoted = [](std::string_view text, std::string_view field,
                         std::vector<std::string> shown) {
    std::vector<HbaRule> rules(1);
    rules[0].line = 2;
    for (std::string& name : shown) rules[0].databases.push_back({std::move(name)});
    mark_quoted(rules, {},
                "# first\nhost " + std::string(field) + " all all trust\n" + std::string(text));
    std::string out;
    for (const HbaToken& token : rules[0].databases)
      out += token.quoted == Quoted::kYes ? 'y' : token.quoted == Quoted::kNo ? 'n' : '?';
    return out;
  };
  EXPECT_EQ(quoted("", "all", {"all"}), "n");
  EXPECT_EQ(quoted("", "\"all\"", {"all"}), "y");
  EXPECT_EQ(quoted("", "a\"ll\"", {"all"}), "n");  // only a quote at the start counts
  EXPECT_EQ(quoted("", "\"a b\",all,\"c\"\"d\"", {"a b", "all", "c\"d"}), "yny");
  EXPECT_EQ(quoted("", "a, b", {"a", "b"}), "nn");
  EXPECT_EQ(quoted("", "all", {"other"}), "?");         // the file has changed meanwhile
  EXPECT_EQ(quoted("", "@names", {"all", "b"}), "??");  // stands elsewhere
  std::vector<HbaRule> rules(1);
  rules[0].line = 1;
  rules[0].databases = {{"all"}};
  mark_quoted(rules, {}, "host \\\n  \"all\" all all trust\n");
  EXPECT_EQ(rules[0].databases[0].quoted, Quoted::kYes);
}

TEST(HbaRule, TextArrays) {
  using ::testing::ElementsAre;
  EXPECT_THAT(parse_text_array("{}"), ElementsAre());
  EXPECT_THAT(parse_text_array("{all}"), ElementsAre("all"));
  EXPECT_THAT(parse_text_array(R"({a,"b,c","d\"e\\",""})"), ElementsAre("a", "b,c", "d\"e\\", ""));
}

TEST(Address, Networks) {
  EXPECT_FALSE(parse_address("db.example.com"));
  EXPECT_FALSE(parse_network("10.0.0.0", "ffff::"));
  EXPECT_TRUE(
      parse_network("10.0.0.0", "255.0.0.0")->covers(*parse_network("10.1.0.0", "255.255.0.0")));
  EXPECT_FALSE(
      parse_network("10.1.0.0", "255.255.0.0")->covers(*parse_network("10.0.0.0", "255.0.0.0")));
  EXPECT_FALSE(everywhere(true).covers(everywhere(false)));
  EXPECT_TRUE(parse_address("::1")->is_loopback());
  EXPECT_TRUE(parse_address("127.9.9.9")->is_loopback());
}

}  // namespace
}  // namespace dbm::audit
