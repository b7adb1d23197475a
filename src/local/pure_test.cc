// The parts of the local engine that ask nothing of the machine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "base/files.h"
#include "local/backup.h"
#include "local/connection_files.h"
#include "local/hba.h"
#include "local/layout.h"
#include "local/passwords.h"
#include "local/pooler.h"
#include "local/ports.h"
#include "local/post_init.h"
#include "local/programs.h"
#include "local/settings.h"
#include "local/state.h"
#include "yaml/testing.h"

namespace dbm::local {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using yaml::testing::Document;

constexpr int64_t kMB = 1 << 20;

class Scratch {
 public:
  Scratch() : folder_(::testing::TempDir() + "/dbm_local_" + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  std::filesystem::path operator/(std::string_view name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
};

TEST(Settings, ReadsMemoryAsPostgresDoes) {
  EXPECT_EQ(parse_memory("256MB", 8192), 256 * kMB);
  EXPECT_EQ(parse_memory("2 GB", 8192), 2048 * kMB);
  EXPECT_EQ(parse_memory("16384", 8192), 128 * kMB);
  EXPECT_EQ(parse_memory("1.5GB", 1), 1536 * kMB);
  for (const char* wrong : {"", "much", "-1", "5mb", "5 MB5"}) EXPECT_FALSE(parse_memory(wrong, 1)) << wrong;
}

TEST(Settings, LeavesOutAndScalesWithANotice) {
  Document spec("postgresql: {parameters: {shared_buffers: 64GB, Work_Mem: 4MB, nonsense: '1', my.own: x}}\n");
  const KnownParameters known{{{"shared_buffers", "postmaster"}, {"work_mem", "user"}}};
  const auto got = parameters_of(spec.tree, known, {.memory = 8192 * kMB, .servers = 2}, "/nowhere");
  EXPECT_EQ(got.values.at("shared_buffers"), "1024MB");
  EXPECT_EQ(got.values.at("work_mem"), "4MB");
  EXPECT_EQ(got.values.at("my.own"), "x");
  EXPECT_FALSE(got.values.contains("nonsense"));
  EXPECT_EQ(got.notices.size(), 2U);
}

TEST(Settings, QuotesValues) {
  EXPECT_THAT(config_text({{"b", "it's"}, {"a", "x\ny\\"}}), HasSubstr("\na = 'x y\\\\'\nb = 'it''s'\n"));
}

TEST(Hba, AdministrationIsFirstAndTheFilesLinesBeforeTheLast) {
  Document spec("postgresql: {pg_hba: [host a a all scram-sha-256, host all all all reject], pg_ident: [m a b]}\n");
  const std::string text = hba_text(spec.tree);
  EXPECT_LT(text.find("local all \"postgres\" peer map=local"), text.find("local all all reject"));
  EXPECT_LT(text.find("host all \"streaming_replica\",\"cnpg_pooler_pgbouncer\" all reject"), text.find("host a a all"));
  EXPECT_TRUE(text.ends_with("host all all all reject\nhost all all all scram-sha-256\n"));
  EXPECT_EQ(ident_text(spec.tree, "me"), "local \"me\" \"postgres\"\nm a b\n");
}

TEST(Ports, StayTheSameAndAreNotTakenTwice) {
  EXPECT_EQ(address_of(2), "127.0.0.2");
  const auto first = choose_port("a name", 1, {});
  ASSERT_TRUE(first);
  EXPECT_GE(*first, 20000);
  EXPECT_LT(*first, 30000);
  const auto other = choose_port("a name", 1, {*first});
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *first);
}

TEST(State, IsReadAsItWasWritten) {
  const Scratch scratch;
  State state;
  state.clusters["a"] = {.port = 5, .poolers = {{"rw", 6}}, .known = {{16384, "f"}}, .connections = "c", .stanza = true};
  ASSERT_TRUE(state.save(scratch / "state.json"));
  const auto read = State::load(scratch / "state.json");
  ASSERT_TRUE(read);
  const ClusterState& a = read->clusters.at("a");
  EXPECT_EQ(a.port, 5);
  EXPECT_EQ(a.poolers.at("rw"), 6);
  EXPECT_TRUE(a.stanza);
  EXPECT_EQ(a.known.at(16384), "f");
  EXPECT_EQ(a.connections, "c");
  EXPECT_TRUE(State::load(scratch / "none.json")->clusters.empty());
  for (const char* wrong : {"", "{", "[]", "{\"format\": 2}", "text"}) {
    ASSERT_TRUE(write_atomically(scratch / "state.json", wrong, 0600));
    EXPECT_FALSE(State::load(scratch / "state.json")) << wrong;
  }
}

TEST(State, OnlyAMissingFileIsAnEmptyState) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "state.json");  // cannot be read, by root either
  const auto read = State::load(scratch / "state.json");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("cannot read"));
  EXPECT_FALSE(State::load(scratch / std::string(300, 'x')));
}

TEST(PostInit, CountsInTheDataFolder) {
  const Scratch scratch;
  const PostInit progress(scratch / "");
  EXPECT_FALSE(progress.next()->has_value());  // made by somebody else, or earlier
  ASSERT_TRUE(progress.keep(0));
  EXPECT_EQ(*progress.next(), std::optional<size_t>(0));
  ASSERT_TRUE(progress.keep(12));
  EXPECT_EQ(*progress.next(), std::optional<size_t>(12));
  ASSERT_TRUE(progress.finish());
  EXPECT_FALSE(progress.next()->has_value());
  for (const char* wrong : {"", "x", "1", "-1\n", "1 2\n"}) {
    ASSERT_TRUE(write_atomically(scratch / "cnpg-dbm.post-init", wrong, 0600));
    EXPECT_FALSE(progress.next()) << wrong;
  }
}

TEST(Passwords, AreRefusedWhenOthersMayReadThem) {
  const Scratch scratch;
  const auto load = [&](const char* text, mode_t mode) {
    EXPECT_TRUE(write_atomically(scratch / "passwords.json", text, mode));
    return Passwords::load(scratch / "passwords.json");
  };
  EXPECT_FALSE(load("{}", 0640));
  EXPECT_FALSE(load("{", 0600));
  const auto good = load(R"({"a": {"r": {"password": "p", "verifier": "v"}}})", 0600);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->find("a", "r")->password.reveal(), "p");
  EXPECT_EQ(good->find("a", "s"), nullptr);
  EXPECT_EQ(good->find("b", "r"), nullptr);
}

TEST(Programs, ChooseTheMajorElseANewerElseTheNewest) {
  const std::vector<Postgres> installed = {{14, "/14"}, {16, "/16"}};
  EXPECT_EQ(choose(installed, 14)->major, 14);
  EXPECT_EQ(choose(installed, 15)->major, 16);
  EXPECT_EQ(choose(installed, 17)->major, 16);
  EXPECT_EQ(choose({}, 15), nullptr);
  EXPECT_EQ(version_in("PgBouncer 1.18.0"), (Version{1, 18}));
  EXPECT_EQ(version_in("postgres (PostgreSQL) 15.18 (Debian)"), (Version{15, 18}));
  EXPECT_EQ(version_in("none"), Version{});
}

TEST(Programs, AGivenFolderThatLacksSomethingIsRefusedAndSaysWhat) {
  const Scratch scratch;
  const auto make = [&](const char* name) {
    ASSERT_TRUE(write_atomically(scratch / name, "#!/bin/sh\necho 'postgres (PostgreSQL) 42.1'\n", 0700));
  };
  for (const char* name : {"postgres", "pg_basebackup", "pg_controldata"}) make(name);
  const auto refused = find_postgres(scratch / "");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("has no initdb, psql that"));
  EXPECT_FALSE(find_postgres(scratch / "nowhere"));
  make("initdb");
  make("psql");
  const auto found = find_postgres(scratch / "");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->back().major, 42);
}

TEST(Programs, RelativeFoldersOfThePathDoNotCount) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "bin");
  for (const char* name : {"postgres", "initdb", "pg_basebackup", "pg_controldata", "psql"})
    ASSERT_TRUE(write_atomically(scratch / "bin" / name, "#!/bin/sh\necho 'postgres (PostgreSQL) 42.1'\n", 0700));
  const std::string before = std::getenv("PATH"), here = std::filesystem::current_path();
  std::filesystem::current_path(scratch / "");
  setenv("PATH", "bin:./bin::", 1);
  const auto relative = find_postgres({});
  setenv("PATH", (scratch / "bin").c_str(), 1);
  const auto absolute = find_postgres({});
  setenv("PATH", before.c_str(), 1);
  std::filesystem::current_path(here);
  ASSERT_TRUE(relative && absolute);
  EXPECT_TRUE(relative->empty() || relative->back().major != 42);
  EXPECT_EQ(absolute->back().major, 42);
}

TEST(ConnectionFiles, UrisAreEncodedAndOnesForTheScreenHoldNoPassword) {
  const Way way{.cluster = "c", .database = "a b", .role = "o'r@", .pooler = {}, .host = "127.0.0.1", .port = 5,
                .file = {}, .password = secrets::Secret("p:/?#%")};
  EXPECT_EQ(uri_of(way, "/x y/ca.crt").reveal(),
            "postgresql://o%27r%40:p%3A%2F%3F%23%25@127.0.0.1:5/a%20b?sslmode=verify-full&sslrootcert=%2Fx%20y%2Fca.crt");
  EXPECT_EQ(uri_without_password(way), "postgresql://o%27r%40@127.0.0.1:5/a%20b");
}

TEST(ConnectionFiles, NoTwoWaysShareAName) {
  const std::vector<std::string> names = {"a", "b", "a-b", "a.b", "a-b-a", "1"};
  std::set<std::string> found;
  size_t count = 0;
  for (const std::string& database : names)
    for (const std::string& user : {std::string(), names[0], names[1], names[2]})
      for (const std::string& pooler : {std::string(), names[0], names[1], names[2]}) {
        found.insert(connection_name(database, user, pooler));
        ++count;
      }
  EXPECT_EQ(found.size(), count);
  EXPECT_EQ(connection_name("A_b", "C_d", "rw"), "a-b@c-d:rw");
}

TEST(Backup, RetentionAndTargets) {
  EXPECT_EQ(retention_days("30d"), 30);
  EXPECT_EQ(retention_days("2w"), 14);
  EXPECT_EQ(retention_days("3m"), 90);
  for (const char* wrong : {"", "d", "3", "3y", "3dd"}) EXPECT_EQ(retention_days(wrong), 0) << wrong;
  EXPECT_EQ(target_time("2026-01-31T10:00:00.123Z"), "2026-01-31 10:00:00.123+00");
  EXPECT_EQ(target_time("2026-01-31 10:00:00+01:30"), "2026-01-31 10:00:00+01:30");
}

TEST(Pooler, ConfigNamesWhatMayBeEntered) {
  Document spec("type: ro\npgbouncer: {poolMode: transaction, parameters: {default_pool_size: '7', max_prepared_statements: '5'}}\n");
  const Layout layout("/srv/dbm");
  std::vector<std::string> notices;
  PoolerHost host{.layout = &layout, .cluster = "c", .tls = {"/tls"}, .port = 5, .instances = 3, .databases = {"shop"}};
  std::string text = pooler_config(host, spec.tree, "ro", 6, {1, 18}, notices);
  EXPECT_THAT(text, HasSubstr("\nshop = host=127.0.0.2,127.0.0.3 port=5 auth_user=cnpg_pooler_pgbouncer\n"));
  EXPECT_THAT(text, HasSubstr("\nlisten_port = 6\n"));
  EXPECT_THAT(text, HasSubstr("\ndefault_pool_size = 7\n"));
  EXPECT_THAT(text, Not(HasSubstr("max_prepared_statements")));
  EXPECT_THAT(text, Not(HasSubstr("\n* = ")));
  EXPECT_THAT(notices, ElementsAre(HasSubstr("does not know max_prepared_statements")));
  notices.clear();
  host.databases = {"shop", "with space"};
  text = pooler_config(host, spec.tree, "ro", 6, {1, 25}, notices);
  EXPECT_THAT(text, HasSubstr("\n* = host="));
  EXPECT_THAT(text, HasSubstr("\npostgres = host=127.0.0.2,127.0.0.3 port=5\n"));
  EXPECT_THAT(text, HasSubstr("auth_dbname=postgres\n"));
  EXPECT_THAT(notices, IsEmpty());
}

TEST(Pooler, NobodyEntersAsTheEnginesOwnRolesWhateverTheFileSays) {
  const std::string first = "host all \"cnpg_pooler_pgbouncer\" 0.0.0.0/0 reject\n"
                            "host all \"streaming_replica\" 0.0.0.0/0 reject\n"
                            "host all \"pgbouncer\" 0.0.0.0/0 reject\n";
  Document open("type: rw\n"), own("pgbouncer: {pg_hba: [host all all all trust]}\n");
  EXPECT_EQ(pooler_hba(open.tree), first + "host all all 0.0.0.0/0 scram-sha-256\n");
  EXPECT_EQ(pooler_hba(own.tree), first + "host all all 0.0.0.0/0 trust\n");
}

}  // namespace
}  // namespace dbm::local
