#include "spec/rules.h"

#include <gtest/gtest.h>

#include "spec/testing.h"

namespace dbm::spec {
namespace {

using testing::cluster;
using testing::Loaded;

struct RuleCase {
  const char* body;  // of a cluster, from line 4 on
  const char* said;
};

void PrintTo(const RuleCase& c, std::ostream* out) { *out << c.body; }
class ClusterRules : public ::testing::TestWithParam<RuleCase> {};

TEST_P(ClusterRules, SayWhereAndWhat) {
  EXPECT_EQ(Loaded(cluster(GetParam().body)).said(), GetParam().said) << GetParam().body;
}

INSTANTIATE_TEST_SUITE_P(Names, ClusterRules, ::testing::Values(
    RuleCase{"    databases:\n    - {name: a, owner: b}\n", ""},
    RuleCase{"    databases:\n    - {name: a_b, owner: x}\n    - {name: A-B, owner: y}\n", "name-collision:6"},
    RuleCase{"    databases:\n    - {name: a, owner: x}\n    - {name: a, owner: y}\n", "duplicate-name:6"},
    RuleCase{"    databases:\n    - {name: a, owner: x_y}\n    - {name: b, owner: x-y}\n", "name-collision:6"},
    RuleCase{"    databases:\n    - {name: postgres, owner: x}\n", "reserved-name:5"},
    RuleCase{"    databases:\n    - {name: a, owner: pg_x}\n", "reserved-name:5"},
    RuleCase{"    databases:\n    - {name: 'a b', owner: x}\n", "bad-name:5"},
    RuleCase{"    databases:\n    - {name: a, owner: x, existingSecret: s}\n    - {name: b, owner: x, existingSecret: t}\n", "two-secrets:6"},
    RuleCase{"    databases:\n    - {name: a, owner: x, users: [{name: x, access: read}]}\n", "[needs-sql:5] user-is-owner:5"},
    RuleCase{"    databases:\n    - {name: a, owner: x, users: [{name: y, access: read}, {name: y, access: write}]}\n", "[needs-sql:5] duplicate-name:5"},
    RuleCase{"    databases:\n    - {name: a, owner: x, limits: {statementTimeout: 30s}}\n", "[needs-sql:5]"},
    RuleCase{"    databases:\n    - {name: a, owner: x, limits: {connections: 5}}\n", ""},
    RuleCase{"    roles:\n      cnpg_x: {login: true}\n", "reserved-name:5 [role-left-out:5]"},
    RuleCase{"    roles:\n      public: {login: true}\n", "reserved-name:5 [role-left-out:5]"},
    RuleCase{"    roles:\n      'none': {inherit: true}\n", "reserved-name:5"},
    RuleCase{"    roles:\n      current_user: {inherit: true}\n      Public: {inherit: true}\n", ""},
    RuleCase{"    databases:\n    - {name: a, owner: public}\n", "reserved-name:5"},
    RuleCase{"    databases:\n    - {name: a, owner: x, users: [{name: none, access: read}]}\n", "[needs-sql:5] reserved-name:5"},
    RuleCase{"    databases:\n    - {name: template0, owner: x}\n    - {name: template1, owner: y}\n", "reserved-name:5 reserved-name:6"},
    RuleCase{"    roles:\n      x: {name: y}\n", "name-collision:5"},
    RuleCase{"    roles:\n      x: {inherit: true}\n", ""}));

INSTANTIATE_TEST_SUITE_P(Images, ClusterRules, ::testing::Values(
    RuleCase{"    imageName: pg:17\n    imageCatalogRef: {apiGroup: postgresql.cnpg.io, kind: ImageCatalog, name: c, major: 17}\n", "two-images:4"},
    RuleCase{"    resources:\n      requests: {memory: 2Gi}\n      limits: {memory: 1Gi}\n", "request-over-limit:5"},
    RuleCase{"    instances: 2\n    additionalClusterSpec: {instances: 3}\n", "[override:5]"},
    RuleCase{"    additionalClusterSpec: {instances: 3}\n", ""},
    RuleCase{"    walStorage: {enabled: true, size: 2Gi}\n", "[default-dropped:4] [default-dropped:4]"},
    RuleCase{"    walStorage: {enabled: true, size: 2Gi}\n    minWalSize: 80MB\n    maxWalSize: 1GB\n", ""}));

INSTANTIATE_TEST_SUITE_P(Backups, ClusterRules, ::testing::Values(
    RuleCase{"    backup: {enabled: true}\n", "[no-store:4]"},
    RuleCase{"    backup: {enabled: true, s3: {bucket: b}, gcs: {bucket: b, gkeEnvironment: true}}\n", "two-stores:4 [missing-credentials:4]"},
    RuleCase{"    backup: {enabled: true, s3: {bucket: b, inheritFromIAMRole: true}}\n", ""},
    RuleCase{"    backup: {enabled: true, s3: {bucket: b}}\n", "[missing-credentials:4]"},
    RuleCase{"    backup: {enabled: true, s3: {bucket: b, accessKeyId: a}}\n", "[missing-credentials:4] half-credentials:4"},
    RuleCase{"    backup: {enabled: true, s3: {inheritFromIAMRole: true}}\n", "missing-key:4"},
    RuleCase{"    backup: {enabled: true, schedule: '0 0 * * *', s3: {bucket: b, inheritFromIAMRole: true}}\n", "[five-field-cron:4]"},
    RuleCase{"    backup: {enabled: true, method: volumeSnapshot}\n", "[snapshot-class:4]"},
    RuleCase{"    backup: {enabled: true, retentionPolicy: 30, s3: {bucket: b, inheritFromIAMRole: true}}\n", "bad-value:4"}));

INSTANTIATE_TEST_SUITE_P(Recoveries, ClusterRules, ::testing::Values(
    RuleCase{"    recovery: {enabled: true}\n", "recovery-source:4"},
    RuleCase{"    recovery: {enabled: true, source: o}\n", "recovery-source:4"},
    RuleCase{"    recovery: {enabled: true, backup: {name: b}}\n", ""},
    RuleCase{"    recovery: {enabled: true, backup: {name: b}, source: o}\n", "recovery-source:4 recovery-source:4"},
    RuleCase{"    recovery: {enabled: true, backup: {name: b}, recoveryTarget: {targetTime: '2026-01-31T10:00:00Z', targetLSN: 1/1}}\n", "two-targets:4"},
    RuleCase{"    recovery: {enabled: true, backup: {name: b}, recoveryTarget: {targetName: x}}\n", "missing-key:4"},
    RuleCase{"    recovery: {enabled: true, backup: {name: b}, recoveryTarget: {targetTime: today}}\n", "bad-value:4"},
    RuleCase{"    backup: {enabled: true, s3: {bucket: b, path: p, inheritFromIAMRole: true}}\n    recovery: {enabled: true, source: o}\n"
             "    externalClusters: [{name: o, barmanObjectStore: {destinationPath: 's3://b/p', s3Credentials: {inheritFromIAMRole: true}}}]\n",
             "same-destination:4"}));

INSTANTIATE_TEST_SUITE_P(Poolers, ClusterRules, ::testing::Values(
    RuleCase{"    poolers:\n    - {name: a}\n    - {name: a}\n", "duplicate-name:6"},
    RuleCase{"    instances: 1\n    poolers:\n    - {name: a, type: ro}\n", "[no-replica:6]"},
    RuleCase{"    poolers:\n    - {name: a, parameters: {pool_mode: session}}\n", "pgbouncer-parameter:5"},
    RuleCase{"    databases: [{name: d, owner: o}]\n    poolers:\n    - {name: a, instances: 9, parameters: {default_pool_size: '50'}}\n", "[pool-capacity:6]"},
    RuleCase{"    databases: [{name: d, owner: o}]\n    poolers:\n    - {name: a, instances: 9, parameters: {default_pool_size: '50', max_db_connections: '5'}}\n", ""},
    RuleCase{"    poolers:\n    - {name: a, authQuery: q}\n", "half-auth-query:5"}));

INSTANTIATE_TEST_SUITE_P(Isolation, ClusterRules, ::testing::Values(
    RuleCase{"    additionalClusterSpec: {managed: {roles: [{name: x, login: true}]}}\n", "[role-left-out:4]"},
    RuleCase{"    isolation: {enabled: false}\n    additionalClusterSpec: {managed: {roles: [{name: x, login: true}]}}\n", ""},
    RuleCase{"    isolation: {allow: [{role: x, databases: [nothing]}]}\n", "[unknown-database:4]"},
    RuleCase{"    isolation: {allow: [{role: x, databases: []}]}\n", "empty-value:4"}));

TEST(FileRules, NameCollisionsAcrossClusters) {
  EXPECT_EQ(Loaded("clusters:\n  a:\n    enabled: true\n    databases: [{name: b-c, owner: x}]\n"
                   "  a-b:\n    enabled: true\n    databases: [{name: c, owner: y}]\n").said(),
            "name-collision:7 name-collision:7");
}

/// A file of these clusters, each with what a database or pooler says of it.
std::string two_clusters(const char* first, const char* first_body, const char* second, const char* second_body) {
  return std::string("clusters:\n  ") + first + ": {enabled: true, " + first_body + "}\n  " + second +
         ": {enabled: true, " + second_body + "}\n";
}

bool collides(const std::string& file) {
  return Loaded(file).said().find("name-collision") != std::string::npos;
}

TEST(FileRules, SecretsOfDifferentSortsAreTold) {
  EXPECT_TRUE(collides(cluster("    databases:\n    - {name: x, owner: x, users: [{name: password, access: read}]}\n")));
  EXPECT_TRUE(collides(cluster(
      "    databases:\n    - {name: password, owner: o, users: [{name: password, access: read}]}\n")));
  const auto backup = [](const char* keys) {
    return cluster(std::string("    backup: {enabled: true, s3: {bucket: b, ") + keys +
                   "}}\n    databases:\n    - {name: backup, owner: o, users: [{name: creds, access: read}]}\n");
  };
  EXPECT_TRUE(collides(backup("accessKeyId: a, secretAccessKey: s")));
  EXPECT_FALSE(collides(backup("inheritFromIAMRole: true")));
}

TEST(FileRules, NamesThatTheOperatorMakesForASibling) {
  struct Sibling {
    const char *name, *body;
  };
  // every name of cluster `shop` that begins as one that is made for the sibling
  for (const Sibling& other : std::initializer_list<Sibling>{
           {"shop-eu", "databases: [{name: eu, owner: o}]"},
           {"shop-eu", "databases: [{name: eu, owner: o, users: [{name: ca, access: read}]}]"},
           {"shop-eu", "databases: [{name: eu, owner: o, users: [{name: server, access: read}]}]"},
           {"shop-eu", "databases: [{name: eu, owner: o, users: [{name: replication, access: read}]}]"},
           {"shop-eu", "databases: [{name: eu, owner: o, users: [{name: superuser, access: read}]}]"},
           {"shop-pooler", "poolers: [{name: rw}]"},
           {"shop-pooler", "poolers: [{name: ro, type: ro}]"}})
    for (const bool sibling_first : {true, false}) {
      const std::string file = sibling_first ? two_clusters(other.name, "instances: 3", "shop", other.body)
                                             : two_clusters("shop", other.body, other.name, "instances: 3");
      EXPECT_TRUE(collides(file)) << file;
    }
  EXPECT_FALSE(collides(two_clusters("shop", "databases: [{name: us, owner: o}], poolers: [{name: rw}]", "shop-eu",
                                     "databases: [{name: eu, owner: o}], poolers: [{name: rw}]")));
}

TEST(FileRules, SecretsOfTwoClusters) {
  EXPECT_TRUE(collides(two_clusters("a", "databases: [{name: b-c, owner: o, users: [{name: d, access: read}]}]", "a-b",
                                    "databases: [{name: c, owner: o, users: [{name: d, access: read}]}]")));
  EXPECT_TRUE(collides(two_clusters("a", "databases: [{name: b, owner: o, users: [{name: x-password, access: read}]}]",
                                    "a-b", "databases: [{name: c, owner: x}]")));
}

TEST(FileRules, TwoClustersAndOneDestination) {
  const char* text = "clusters:\n"
                     "  a: {enabled: true, backup: {enabled: true, s3: {bucket: b, path: p, inheritFromIAMRole: true}}}\n"
                     "  b: {enabled: true, backup: {enabled: true, s3: {bucket: b, path: /p/, inheritFromIAMRole: true}}}\n";
  const Loaded loaded(text);
  EXPECT_EQ(loaded.said(), "same-destination:3");
  EXPECT_EQ(loaded.file.diagnostics.sorted()[0].related.line, 2u);
}

TEST(FileRules, Catalogs) {
  EXPECT_EQ(Loaded("imageCatalogs:\n  c:\n    images:\n    - {major: 17, image: a}\n    - {major: 17, image: b}\n").said(),
            "duplicate-major:5");
  EXPECT_EQ(Loaded("imageCatalogs: {c: {images: [{major: 16, image: a}]}}\nclusters:\n  main:\n    enabled: true\n"
                   "    imageCatalogRef: {apiGroup: postgresql.cnpg.io, kind: ImageCatalog, name: c, major: 17}\n").said(),
            "missing-catalog:5");
}

TEST(FileRules, ClusterNamesOfTheOperator) {
  EXPECT_EQ(Loaded("clusters:\n  Main: {enabled: true}\n").said(), "bad-name:2");
  EXPECT_EQ(Loaded("clusters:\n  a.b: {enabled: true}\n").said(), "bad-name:2");
}

TEST(FileRules, DisabledClustersAreNotJudged) {
  EXPECT_EQ(Loaded("clusters:\n  main:\n    enabled: false\n    backup: {enabled: true}\n").said(), "");
}

TEST(Decoding, TellsEveryMistakeAtItsPlace) {
  EXPECT_EQ(Loaded("clusters:\n  main:\n    enabled: maybe\n    instances: 0\n    instnces: 1\n    storage: []\n"
                   "    poolers:\n    - {name: a, poolMode: none}\n").said(),
            "wrong-type:3 out-of-range:4 unknown-key:5 wrong-type:6 bad-enum:8");
}

TEST(Decoding, TakesHelmsScalars) {
  const Loaded loaded(cluster("    maxConnections: 300\n    isolation: {enabled: no}\n    instances: ~\n"));
  EXPECT_EQ(loaded.said(), "");
  const Cluster& c = loaded.values.clusters[0].value;
  EXPECT_EQ(c.max_connections, "300");
  EXPECT_FALSE(c.isolation.enabled);
  EXPECT_EQ(c.instances, 3);
}

TEST(Decoding, LenientWarnsOfUnknownKeys) {
  EXPECT_EQ(Loaded(cluster("    instnces: 1\n"), {.lenient = true}).said(), "[unknown-key:4]");
}

TEST(Decoding, KnowsVersions) {
  const std::string text = cluster("    additionalClusterSpec: {podSelectorRefs: []}\n");
  EXPECT_EQ(Loaded(text, {.version = cnpg::Version::k1_25}).said(), "needs-newer-cnpg:4");
  EXPECT_EQ(Loaded(text).said(), "");
}

}  // namespace
}  // namespace dbm::spec
