#include "cnpg/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "yaml/testing.h"

namespace dbm::cnpg {
namespace {

using yaml::testing::Document;

/// A sound object of each kind; a fragment is merged over its spec.
constexpr struct {
  const char* kind;
  const char* spec;
} kSound[] = {
    {"Cluster", "{instances: 3, imageName: 'pg:17.2', storage: {size: 10Gi}}"},
    {"Database", "{name: app, owner: app, cluster: {name: main}}"},
    {"Pooler", "{type: rw, cluster: {name: main}, pgbouncer: {poolMode: session}}"},
    {"ScheduledBackup", "{schedule: '0 0 0 * * *', cluster: {name: main}}"},
    {"ImageCatalog", "{images: [{major: 17, image: 'pg:17.2'}]}"},
    {"ObjectStore",
     "{configuration: {destinationPath: 's3://b/p', s3Credentials: {inheritFromIAMRole: true}}}"},
};

struct RuleCase {
  const char* kind;
  const char* fragment;  // of the spec; "meta " before it: of the whole object
  const char* code;      // of the only complaint; empty: none
};

std::string judge(const RuleCase& c, Version version = kLatest) {
  std::string spec;
  for (const auto& sound : kSound)
    if (sound.kind == std::string_view(c.kind)) spec = sound.spec;
  const std::string api =
      c.kind == std::string_view("ObjectStore") ? "barmancloud.cnpg.io/v1" : "postgresql.cnpg.io/v1";
  const std::string_view fragment = c.fragment;
  const bool meta = fragment.starts_with("meta ");
  const std::string over = meta ? std::string(fragment.substr(5))
                                : "{spec: " + std::string(fragment) + "}";
  const Document base("{apiVersion: " + api + ", kind: " + c.kind +
                      ", metadata: {name: main-it}, spec: " + spec + "}");
  const Document merged_over(over);
  EXPECT_EQ(merged_over.first(), "") << over;
  yaml::Arena arena;
  Diagnostics found;
  check_object(yaml::merge(arena, base.tree, merged_over.tree), version, true, found);
  std::string codes;
  for (const Diagnostic& d : found.sorted()) {
    if (!codes.empty()) codes += ' ';
    codes += d.code;
    EXPECT_FALSE(d.message.empty());
    EXPECT_NE(d.path.find(c.kind), d.path.npos);
  }
  return codes;
}

void PrintTo(const RuleCase& c, std::ostream* out) { *out << c.kind << " " << c.fragment; }
class Rules : public ::testing::TestWithParam<RuleCase> {};

TEST_P(Rules, AreTheOperators) {
  EXPECT_EQ(judge(GetParam()), GetParam().code) << GetParam().kind << " " << GetParam().fragment;
}

#define C "Cluster"
INSTANTIATE_TEST_SUITE_P(Bootstrap, Rules, ::testing::Values(
    RuleCase{C, "{}", ""},
    RuleCase{C, "{bootstrap: {initdb: {database: a, owner: b}}}", ""},
    RuleCase{C, "{bootstrap: {initdb: {database: a}}}", "missing-field"},
    RuleCase{C, "{bootstrap: {initdb: {owner: a}}}", "missing-field"},
    RuleCase{C, "{bootstrap: {initdb: {}, recovery: {backup: {name: b}}}}", "two-bootstraps"},
    RuleCase{C, "{bootstrap: {initdb: {walSegmentSize: 32}}}", ""},
    RuleCase{C, "{bootstrap: {initdb: {walSegmentSize: 33}}}", "bad-value"},
    RuleCase{C, "{bootstrap: {initdb: {postInitApplicationSQLRefs: {secretRefs: [{name: a, key: ''}]}}}}",
             "missing-field"},
    RuleCase{C, "{externalClusters: [{name: o, connectionParameters: {host: h}}], bootstrap: {initdb: {import: "
                "{type: microservice, databases: [a], source: {externalCluster: o}}}}}", ""},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: microservice, databases: [a, b], source: {externalCluster: o}}}}}",
             "bad-import"},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: microservice, databases: ['*'], source: {externalCluster: o}}}}}",
             "bad-import"},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: microservice, databases: [a], roles: [b], source: {externalCluster: o}}}}}",
             "bad-import"},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: monolith, databases: ['*'], roles: ['*'], source: {externalCluster: o}}}}}", ""},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: monolith, databases: [], source: {externalCluster: o}}}}}", "bad-import"},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: monolith, databases: ['*', a], source: {externalCluster: o}}}}}", "bad-import"},
    RuleCase{C, "{bootstrap: {initdb: {import: {type: monolith, databases: [a], postImportApplicationSQL: [x], source: "
                "{externalCluster: o}}}}}", "bad-import"},
    RuleCase{C, "{bootstrap: {initdb: {icuLocale: en, localeProvider: icu}}}", ""},
    RuleCase{C, "{bootstrap: {initdb: {icuLocale: en}}}", "bad-locale"},
    RuleCase{C, "{bootstrap: {pg_basebackup: {source: nobody}}}", "unknown-source"},
    RuleCase{C, "{bootstrap: {recovery: {source: nobody}}}", "unknown-source"},
    RuleCase{C, "{bootstrap: {recovery: {volumeSnapshots: {storage: {name: s, kind: VolumeSnapshot, apiGroup: snapshot.storage.k8s.io}}}}}", ""},
    RuleCase{C, "{bootstrap: {recovery: {volumeSnapshots: {storage: {name: s, kind: Pod}}}}}", "bad-value"},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, volumeSnapshots: {storage: {name: s, kind: PersistentVolumeClaim}}}}}", "two-sources"},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetTime: '2026-01-31 10:00:00+00'}}}}", ""},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetTime: yesterday}}}}", "bad-time"},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetLSN: 16/B374D848}}}}", ""},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetLSN: B374D848}}}}", "bad-value"},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetXID: '5', targetLSN: 1/1, backupID: x}}}}", "two-targets"},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetName: here}}}}", "missing-backup-id"},
    RuleCase{C, "{bootstrap: {recovery: {backup: {name: b}, recoveryTarget: {targetTLI: '0', targetLSN: 1/1}}}}", "bad-value"}));

INSTANTIATE_TEST_SUITE_P(Postgresql, Rules, ::testing::Values(
    RuleCase{C, "{postgresql: {parameters: {port: '5432', work_mem: 8MB}}}", ""},
    RuleCase{C, "{postgresql: {parameters: {port: '6543'}}}", "fixed-parameter"},
    RuleCase{C, "{postgresql: {parameters: {wal_log_hints: 'off'}}}", "bad-value"},
    RuleCase{C, "{postgresql: {parameters: {hot_standby_feedback: perhaps}}}", "bad-value"},
    RuleCase{C, "{postgresql: {parameters: {wal_level: logical}}}", ""},
    RuleCase{C, "{postgresql: {parameters: {wal_level: loud}}}", "bad-enum"},
    RuleCase{C, "{postgresql: {parameters: {wal_level: minimal}}}", "bad-value"},
    RuleCase{C, "meta {metadata: {annotations: {cnpg.io/skipWalArchiving: enabled}}, spec: {instances: 1, postgresql: "
                "{parameters: {wal_level: minimal, max_wal_senders: '0'}}}}", ""},
    RuleCase{C, "meta {metadata: {annotations: {cnpg.io/skipWalArchiving: enabled}}, spec: {instances: 1, postgresql: "
                "{parameters: {wal_level: minimal}}}}", "bad-value"},
    RuleCase{C, "{replicationSlots: {synchronizeReplicas: {excludePatterns: ['^a(b|c)$']}}}", ""},
    RuleCase{C, "{replicationSlots: {synchronizeReplicas: {excludePatterns: ['(a']}}}", "bad-value"},
    RuleCase{C, "{postgresql: {parameters: {min_wal_size: 1GB, max_wal_size: 2GB}}}", ""},
    RuleCase{C, "{postgresql: {parameters: {min_wal_size: 2GB, max_wal_size: 2GB}}}", "wal-size"},
    RuleCase{C, "{postgresql: {parameters: {min_wal_size: 2GB}}}", "wal-size"},
    RuleCase{C, "{walStorage: {size: 3Gi}, postgresql: {parameters: {max_wal_size: 3GB}}}", "wal-size"},
    RuleCase{C, "{postgresql: {parameters: {max_wal_size: 4Gi}}}", "bad-value"},
    RuleCase{C, "{resources: {requests: {memory: 1Gi}}, postgresql: {parameters: {shared_buffers: 1GB}}}", ""},
    RuleCase{C, "{resources: {requests: {memory: 1Gi}}, postgresql: {parameters: {shared_buffers: 2GB}}}", "too-little-memory"},
    RuleCase{C, "{resources: {requests: {memory: 1Gi, hugepages-2Mi: 4Gi}}, postgresql: {parameters: {shared_buffers: 2GB}}}", ""},
    RuleCase{C, "{postgresql: {synchronous: {method: any, number: 2}}}", ""},
    RuleCase{C, "{postgresql: {synchronous: {method: any, number: 3}}}", "out-of-range"},
    RuleCase{C, "{maxSyncReplicas: 1, postgresql: {synchronous: {method: any, number: 1}}}", "two-ways"},
    RuleCase{C, "{postgresql: {synchronous: {method: any, number: 1, dataDurability: preferred, standbyNamesPre: [a]}}}", "bad-value"},
    RuleCase{C, "{postgresql: {synchronous: {method: any, number: 1, failoverQuorum: true, standbyNamesPre: [a]}}}", "out-of-range"},
    RuleCase{C, "{postgresql: {syncReplicaElectionConstraint: {enabled: true}}}", "missing-field"},
    RuleCase{C, "{postgresql: {ldap: {port: 389}}}", "missing-field"},
    RuleCase{C, "{postgresql: {ldap: {server: s, bindAsAuth: {prefix: a}, bindSearchAuth: {baseDN: b}}}}", "two-ways"},
    RuleCase{C, "{podSelectorRefs: [{name: a, selector: {}}], postgresql: {pg_hba: ['host all all ${podselector:a} trust']}}", ""},
    RuleCase{C, "{postgresql: {pg_hba: ['host all all ${podselector:b} trust']}}", "bad-hba"},
    RuleCase{C, "{postgresql: {pg_hba: ['host all all ${other:b} trust']}}", "bad-hba"},
    RuleCase{C, "{podSelectorRefs: [{name: a, selector: {}}, {name: a, selector: {}}]}", "duplicate-item duplicate-item"},
    RuleCase{C, "{postgresql: {parameters: {pg_failover_slots.x: y}}}", "missing-field"},
    RuleCase{C, "{imageName: 'pg:16.1', replicationSlots: {highAvailability: {synchronizeLogicalDecoding: true}}}", "needs-newer-postgresql"},
    RuleCase{C, "{replicationSlots: {highAvailability: {synchronizeLogicalDecoding: true}}}", "missing-field missing-field"},
    RuleCase{C, "{postgresql: {extensions: [{name: a_b, image: {reference: r}}, {name: a-b, image: {reference: r}}]}}", "name-collision"},
    RuleCase{C, "{postgresql: {extensions: [{name: a, image: {}}]}}", "missing-field"},
    RuleCase{C, "{postgresql: {extensions: [{name: a, image: {reference: r}, ld_library_path: ['../x']}]}}", "bad-value"}));

INSTANTIATE_TEST_SUITE_P(Instances, Rules, ::testing::Values(
    RuleCase{C, "meta {metadata: {name: 1st}}", "bad-name"},
    RuleCase{C, "meta {metadata: {name: abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijx}}", "bad-name"},
    RuleCase{C, "{imageName: 'reg:5000/pg:17.2-bookworm@sha256:ab'}", ""},
    RuleCase{C, "{imageName: 'reg:5000/pg'}", "bad-image"},
    RuleCase{C, "{imageName: 'pg:latest'}", "bad-image"},
    RuleCase{C, "{imageName: 'pg@sha256:ab'}", "bad-image"},
    RuleCase{C, "{imageName: 'pg:v17'}", "bad-image"},
    RuleCase{C, "{imageName: 'pg:12'}", "bad-image"},
    RuleCase{C, "{imageCatalogRef: {apiGroup: postgresql.cnpg.io, kind: ImageCatalog, name: n, major: 17}}", "two-images"},
    RuleCase{C, "{imageName: ~, imageCatalogRef: {apiGroup: x, kind: ImageCatalog, name: n, major: 17}}", "bad-value"},
    RuleCase{C, "{imageName: ~, imageCatalogRef: {apiGroup: postgresql.cnpg.io, kind: Pod, name: n, major: 17}}", "bad-enum"},
    RuleCase{C, "{imageName: ~, imageCatalogRef: {apiGroup: postgresql.cnpg.io, kind: ImageCatalog, name: n, major: 11}}", "bad-image"},
    RuleCase{C, "{imagePullPolicy: Sometimes}", "bad-enum"},
    RuleCase{C, "{affinity: {podAntiAffinityType: strict}}", "bad-enum"},
    RuleCase{C, "{minSyncReplicas: 1, maxSyncReplicas: 2}", ""},
    RuleCase{C, "{maxSyncReplicas: 3}", "out-of-range"},
    RuleCase{C, "{minSyncReplicas: 2, maxSyncReplicas: 1}", "out-of-range"},
    RuleCase{C, "{instances: 1, primaryUpdateStrategy: supervised}", "bad-value"},
    RuleCase{C, "{resources: {requests: {cpu: 2}, limits: {cpu: 1}}}", "request-over-limit"},
    RuleCase{C, "{resources: {requests: {hugepages-2Mi: 1Gi, cpu: 1}, limits: {hugepages-2Mi: 2Gi}}}", "request-over-limit"},
    RuleCase{C, "{resources: {limits: {hugepages-2Mi: 2Gi}}}", "missing-field"},
    RuleCase{C, "{affinity: {tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 5}]}}", ""},
    RuleCase{C, "{affinity: {tolerations: [{operator: Equal}]}}", "bad-value"},
    RuleCase{C, "{affinity: {tolerations: [{key: a, operator: Like}]}}", "bad-enum"},
    RuleCase{C, "{affinity: {tolerations: [{key: a, effect: Never}]}}", "bad-enum"},
    RuleCase{C, "{affinity: {tolerations: [{key: a, operator: Exists, value: b}]}}", "bad-value"},
    RuleCase{C, "{affinity: {tolerations: [{key: 'a b'}]}}", "bad-name"},
    RuleCase{C, "{affinity: {tolerations: [{key: a, value: 'b c'}]}}", "bad-value"},
    RuleCase{C, "{affinity: {tolerations: [{key: a, tolerationSeconds: 5}]}}", "bad-value"},
    RuleCase{C, "{env: [{name: TZ, value: UTC}]}", ""},
    RuleCase{C, "{env: [{name: pgdata, value: x}]}", "reserved-name"},
    RuleCase{C, "{certificates: {serverTLSSecret: s}}", "missing-field"},
    RuleCase{C, "{certificates: {serverTLSSecret: s, serverCASecret: c, serverAltDNSNames: [a]}}", "two-ways"},
    RuleCase{C, "{certificates: {replicationTLSSecret: s}}", "missing-field"},
    RuleCase{C, "{externalClusters: [{name: o, connectionParameters: {host: h}}], bootstrap: {pg_basebackup: {source: o}}, replica: {enabled: true, source: o}}", ""},
    RuleCase{C, "{externalClusters: [{name: o, connectionParameters: {host: h}}], replica: {enabled: true, source: o}}", "missing-field"},
    RuleCase{C, "{replica: {enabled: false, source: nobody}}", "unknown-source"},
    RuleCase{C, "{superuserSecret: {name: ''}}", "missing-field"},
    RuleCase{C, "{projectedVolumeTemplate: {}}", "missing-field"},
    RuleCase{C, "meta {metadata: {annotations: {cnpg.io/hibernation: maybe}}}", "bad-enum"}));

INSTANTIATE_TEST_SUITE_P(StorageAndRoles, Rules, ::testing::Values(
    RuleCase{C, "{storage: {size: 10GB}}", "bad-value"},
    RuleCase{C, "{storage: ~}", "missing-field"},
    RuleCase{C, "{storage: {size: ~, pvcTemplate: {resources: {requests: {storage: 1Gi}}}}}", ""},
    RuleCase{C, "{walStorage: {storageClass: a}}", "missing-field"},
    RuleCase{C, "{ephemeralVolumeSource: {}, ephemeralVolumesSizeLimit: {temporaryData: 1Gi}}", "two-ways"},
    RuleCase{C, "{tablespaces: [{name: a, storage: {size: 1Gi}}, {name: A, storage: {size: 1Gi}}]}", "duplicate-item"},
    RuleCase{C, "{tablespaces: [{name: pg_a, storage: {size: 1Gi}}]}", "reserved-name"},
    RuleCase{C, "{tablespaces: [{name: a-b, storage: {size: 1Gi}}]}", "bad-name"},
    RuleCase{C, "{tablespaces: [{name: a_b, storage: {size: 1Gi}}, {name: a$b, storage: {size: 1Gi}}]}", "name-collision"},
    RuleCase{C, "{backup: {volumeSnapshot: {tablespaceClassName: {a: c}}}}", "unknown-tablespace"},
    RuleCase{C, "{managed: {roles: [{name: a, connectionLimit: -1, validUntil: '2030-01-01T00:00:00Z'}]}}", ""},
    RuleCase{C, "{managed: {roles: [{name: postgres}]}}", "reserved-name"},
    RuleCase{C, "{managed: {roles: [{name: a}, {name: a}]}}", "duplicate-item"},
    RuleCase{C, "{managed: {roles: [{name: a, connectionLimit: -2}]}}", "out-of-range"},
    RuleCase{C, "{managed: {roles: [{name: a, disablePassword: true, passwordSecret: {name: s}}]}}", "two-ways"},
    RuleCase{C, "{managed: {roles: [{name: a, validUntil: tomorrow}]}}", "bad-time"},
    RuleCase{C, "{managed: {services: {disabledDefaultServices: [rw]}}}", "bad-value"},
    RuleCase{C, "{managed: {services: {additional: [{selectorType: rw, serviceTemplate: {metadata: {name: mine}}}]}}}", ""},
    RuleCase{C, "{managed: {services: {additional: [{selectorType: rw, serviceTemplate: {metadata: {name: main-it-rw}}}]}}}", "reserved-name"},
    RuleCase{C, "{managed: {services: {additional: [{selectorType: rw, serviceTemplate: {}}]}}}", "missing-field"},
    RuleCase{C, "{managed: {services: {additional: [{selectorType: rw, serviceTemplate: {metadata: {name: m}, spec: {selector: {a: b}}}}]}}}", "reserved-name"}));

INSTANTIATE_TEST_SUITE_P(Backup, Rules, ::testing::Values(
    RuleCase{C, "{backup: {retentionPolicy: 2w, barmanObjectStore: {destinationPath: d, s3Credentials: {inheritFromIAMRole: true}}}}", ""},
    RuleCase{C, "{backup: {retentionPolicy: '30'}}", "bad-value"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d}}}", "bad-credentials"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, s3Credentials: {}}}}", "bad-credentials"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, s3Credentials: {accessKeyId: {name: s, key: k}}}}}", "bad-credentials"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, googleCredentials: {gkeEnvironment: true}, s3Credentials: {inheritFromIAMRole: true}}}}", "bad-credentials"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, googleCredentials: {}}}}", "bad-credentials"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, azureCredentials: {inheritFromAzureAD: true}}}}", ""},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, azureCredentials: {storageKey: {name: s, key: k}}}}}", "bad-credentials"},
    RuleCase{C, "{backup: {barmanObjectStore: {destinationPath: d, azureCredentials: {connectionString: {name: s, key: k}, inheritFromAzureAD: true}}}}", "bad-credentials"},
    RuleCase{C, "{externalClusters: [{name: a}]}", "missing-field"},
    RuleCase{C, "{plugins: [{name: a, isWALArchiver: true}, {name: b, isWALArchiver: true}]}", "two-archivers"},
    RuleCase{C, "{plugins: [{name: a, isWALArchiver: true}, {name: b, enabled: false, isWALArchiver: true}]}", ""},
    RuleCase{C, "{plugins: [{name: a, isWALArchiver: true}], backup: {barmanObjectStore: {destinationPath: d, s3Credentials: {inheritFromIAMRole: true}}}}", "two-archivers"},
    RuleCase{"ScheduledBackup", "{}", ""},
    RuleCase{"ScheduledBackup", "{schedule: nightly}", "bad-schedule"},
    RuleCase{"ScheduledBackup", "{online: true}", "bad-value"},
    RuleCase{"ScheduledBackup", "{online: true, method: volumeSnapshot}", ""},
    RuleCase{"ObjectStore", "{retentionPolicy: 30d}", ""},
    RuleCase{"ObjectStore", "{retentionPolicy: 0d}", "bad-value"},
    RuleCase{"ObjectStore", "{configuration: {s3Credentials: ~}}", "bad-credentials"}));

INSTANTIATE_TEST_SUITE_P(Others, Rules, ::testing::Values(
    RuleCase{"Database", "{}", ""},
    RuleCase{"Database", "{name: template1}", "reserved-name"},
    RuleCase{"Database", "{builtinLocale: C}", "bad-locale"},
    RuleCase{"Database", "{extensions: [{name: a}, {name: a}]}", "duplicate-item"},
    RuleCase{"Database", "{schemas: [{name: a, owner: b}, {name: a, owner: b}]}", "duplicate-item"},
    RuleCase{"Database", "{fdws: [{name: f}], servers: [{name: s, fdw: f}]}", ""},
    RuleCase{"Database", "{servers: [{name: s, fdw: g}]}", "unknown-fdw"},
    RuleCase{"Pooler", "{pgbouncer: {parameters: {max_client_conn: '5'}}}", ""},
    RuleCase{"Pooler", "{pgbouncer: {parameters: {pool_mode: session}}}", "pgbouncer-parameter"},
    RuleCase{"Pooler", "{pgbouncer: {authQuery: q}}", "missing-field"},
    RuleCase{"Pooler", "{pgbouncer: {authQuery: q, authQuerySecret: {name: s}}}", ""},
    RuleCase{"Pooler", "{cluster: {name: ''}}", "missing-field"},
    RuleCase{"Pooler", "{cluster: {name: main-it}}", "bad-name"},
    RuleCase{"ImageCatalog", "{images: [{major: 17, image: a}, {major: 17, image: b}]}", "duplicate-item"},
    RuleCase{C, "{instnces: 3}", "unknown-field"},
    RuleCase{C, "{podSelectorRefs: [{selector: {}}]}", "missing-field"}));
#undef C

TEST(Rules, PointAtTheUsersLine) {
  const Document d("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main}\nspec:\n"
                   "  storage: {size: 1Gi}\n  postgresql:\n    parameters:\n      port: \"1\"\n");
  Diagnostics found;
  check_object(d.tree, kLatest, true, found);
  ASSERT_EQ(found.errors(), 1u);
  EXPECT_EQ(found.sorted()[0].pos, (Pos{8, 13, 0}));
  EXPECT_EQ(found.sorted()[0].path, "Cluster main: spec.postgresql.parameters.port");
}

TEST(Rules, LeaveOtherProjectsKindsAlone) {
  for (const char* text : {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
                           "{apiVersion: example.com/v1, kind: Cluster, spec: {port: 1}}",
                           "{apiVersion: postgresql.cnpg.io/v1, kind: Unheard}"}) {
    Diagnostics found;
    check_object(Document(text).tree, kLatest, true, found);
    EXPECT_FALSE(found.has_errors()) << text;
  }
}

TEST(Rules, WantASpec) {
  Diagnostics found;
  const Document d("{apiVersion: postgresql.cnpg.io/v1, kind: Pooler, metadata: {name: a}}");
  check_object(d.tree, kLatest, true, found);
  EXPECT_EQ(found.sorted()[0].code, "missing-field");
}

TEST(Rules, KnowVersions) {
  const RuleCase young{"Cluster", "{podSelectorRefs: [{name: a, selector: {}}]}", ""};
  EXPECT_EQ(judge(young, Version::k1_29), "");
  EXPECT_EQ(judge(young, Version::k1_28), "needs-newer-cnpg");
}

}  // namespace
}  // namespace dbm::cnpg
