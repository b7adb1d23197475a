#include "release/guard.h"

#include "release/testing.h"

namespace dbm::release {
namespace {

using testing::kClusterKind;
using testing::kDatabaseKind;

/// What the guard says of a change of specs, one line each.
std::string guarded(std::string_view kind, std::string_view before, std::string_view after) {
  const testing::LiveJson live(kind, "main", fmt::format(R"("spec":{})", before));
  const testing::WantedObject wanted(kind, "main", fmt::format(R"("spec":{})", after));
  std::vector<Danger> dangers;
  guard_change(live.object, wanted.object, dangers);
  std::string out;
  for (const Danger& danger : dangers) {
    EXPECT_EQ(danger.name, "main");
    EXPECT_EQ(danger.object, fmt::format("{} main", testing::resource(kind).kind));
    out += (out.empty() ? "" : "\n") + danger.what;
  }
  return out;
}
std::string cluster(std::string_view before, std::string_view after) { return guarded(kClusterKind, before, after); }
std::string database(std::string_view before, std::string_view after) { return guarded(kDatabaseKind, before, after); }

TEST(Guard, VolumesNeverShrink) {
  EXPECT_EQ(cluster(R"({"storage":{"size":"10Gi"}})", R"({"storage":{"size":"9Gi"}})"),
            "spec.storage.size: 10Gi -> 9Gi: a volume never shrinks");
  EXPECT_EQ(cluster(R"({"walStorage":{"size":"2Gi"}})", R"({"walStorage":{"size":"1024Mi"}})"),
            "spec.walStorage.size: 2Gi -> 1024Mi: a volume never shrinks");
  EXPECT_EQ(cluster(R"({"tablespaces":[{"name":"fast","storage":{"size":"2Gi"}}]})", R"({"tablespaces":[{"name":"fast","storage":{"size":"1Gi"}}]})"),
            "tablespace fast: size: 2Gi -> 1Gi: a volume never shrinks");
  const std::string claim = R"({"storage":{"pvcTemplate":{"resources":{"requests":{"storage":"5Gi"}}}}})";
  EXPECT_EQ(cluster(R"({"storage":{"size":"10Gi"}})", claim), "spec.storage.pvcTemplate.resources.requests.storage: 10Gi -> 5Gi: a volume never shrinks");
  EXPECT_EQ(cluster(claim, R"({"storage":{"size":"4Gi"}})"), "spec.storage.size: 5Gi -> 4Gi: a volume never shrinks");
  EXPECT_EQ(cluster(claim, R"({"storage":{"size":"50Gi"}})"), "");
  EXPECT_EQ(cluster(R"({"storage":{"size":"10Gi"}})", R"({"storage":{"size":"10240Mi"}})"), "");
  EXPECT_EQ(cluster(R"({"storage":{"size":"10Gi"}})", R"({"storage":{"size":"1Ti"}})"), "");
  EXPECT_EQ(cluster(R"({"storage":{"size":"10Gi"}})", R"({"storage":{}})"), "");
}

TEST(Guard, VolumesStay) {
  EXPECT_EQ(cluster(R"({"storage":{"storageClass":"fast"}})", R"({"storage":{"storageClass":"slow"}})"),
            "spec.storage.storageClass: fast -> slow: an existing volume keeps its storage class");
  EXPECT_EQ(cluster(R"({"walStorage":{"pvcTemplate":{"storageClassName":"a"}}})", R"({"walStorage":{"pvcTemplate":{"storageClassName":"b"}}})"),
            "spec.walStorage.pvcTemplate.storageClassName: a -> b: an existing volume keeps its storage class");
  EXPECT_EQ(cluster(R"({"walStorage":{"size":"1Gi"}})", "{}"), "spec.walStorage would go, and the WAL volume with it");
  EXPECT_EQ(cluster(R"({"tablespaces":[{"name":"a"},{"name":"b"}]})", R"({"tablespaces":[{"name":"b"},{"name":"c"}]})"),
            "tablespace a would go, and its volume with it");
  EXPECT_EQ(cluster("{}", R"({"walStorage":{"size":"1Gi"},"tablespaces":[{"name":"a"}],"storage":{"storageClass":"x"}})"), "") << "new ones";
}

TEST(Guard, PostgresqlNeverGoesBack) {
  EXPECT_EQ(cluster(R"({"imageName":"registry/postgresql:17.2"})", R"({"imageName":"registry/postgresql:16.9"})"),
            "PostgreSQL 17 -> 16: there is no way back to an earlier major version");
  EXPECT_EQ(cluster(R"({"imageCatalogRef":{"major":17}})", R"({"imageName":"registry/postgresql:16.9"})"),
            "PostgreSQL 17 -> 16: there is no way back to an earlier major version");
  EXPECT_EQ(cluster(R"({"imageName":"registry/postgresql:17.2"})", R"({"imageName":"registry/postgresql:17.1"})"), "");
  EXPECT_EQ(cluster(R"({"imageName":"registry/postgresql:16.2"})", R"({"imageCatalogRef":{"major":17}})"), "") << "an upgrade is asked for";
  EXPECT_EQ(cluster(R"({"imageName":"registry/postgresql:17.2"})", "{}"), "") << "the operator's default is not known here";
}

TEST(Guard, RolesThatAreToBeDropped) {
  const std::string_view there = R"({"managed":{"roles":[{"name":"a","ensure":"present"}]}})";
  const std::string_view absent = R"({"managed":{"roles":[{"name":"a","ensure":"absent"}]}})";
  EXPECT_EQ(cluster(there, absent), "role a: ensure: absent drops it");
  EXPECT_EQ(cluster("{}", absent), "role a: ensure: absent drops it");
  EXPECT_EQ(cluster(absent, absent), "") << "it was let through before";
  EXPECT_EQ(cluster(there, R"({"managed":{"roles":[]}})"), "") << "PostgreSQL keeps it";
}

TEST(Guard, FieldsOfADatabaseThatNeverChange) {
  for (const char* key : {"name", "encoding", "locale", "localeProvider", "localeCollate", "localeCType", "icuLocale", "icuRules",
                          "builtinLocale", "collationVersion"}) {
    EXPECT_EQ(database(fmt::format(R"({{"{}":"a"}})", key), fmt::format(R"({{"{}":"b"}})", key)),
              fmt::format("spec.{}: a -> b: CloudNativePG never changes it; another database is another entry of the file", key));
    EXPECT_EQ(database("{}", fmt::format(R"({{"{}":"b"}})", key)), "") << "not said so far";
    EXPECT_EQ(database(fmt::format(R"({{"{}":"a"}})", key), "{}"), "") << "not said any more";
  }
  EXPECT_EQ(database(R"({"cluster":{"name":"a"}})", R"({"cluster":{"name":"b"}})"),
            "spec.cluster.name: a -> b: a Database never moves to another Cluster");
}

TEST(Guard, DatabasesThatAreToBeDropped) {
  EXPECT_EQ(database(R"({"ensure":"present"})", R"({"ensure":"absent"})"), "ensure: absent drops the database");
  EXPECT_EQ(database("{}", R"({"ensure":"absent"})"), "ensure: absent drops the database");
  EXPECT_EQ(database(R"({"ensure":"absent"})", R"({"ensure":"absent"})"), "");
}

TEST(Guard, OrdinaryChangesPass) {
  EXPECT_EQ(cluster(R"({"instances":3,"postgresql":{"parameters":{"max_connections":"100"}},"storage":{"size":"1Gi"}})",
                    R"({"instances":1,"postgresql":{"parameters":{"max_connections":"50"}},"storage":{"size":"1Gi"}})"), "");
  EXPECT_EQ(database(R"({"name":"a","owner":"x"})", R"({"name":"a","owner":"y","connectionLimit":1})"), "");
  EXPECT_EQ(guarded(testing::kPoolerKind, R"({"storage":{"size":"2Gi"},"name":"a"})", R"({"storage":{"size":"1Gi"},"name":"b"})"), "");
}

std::string removal(std::string_view kind, std::string_view spec) {
  const testing::LiveJson live(kind, "x", fmt::format(R"("spec":{})", spec));
  std::vector<Danger> dangers;
  guard_removal(live.object, dangers);
  return dangers.empty() ? "" : dangers[0].object + ": " + dangers[0].what;
}

TEST(Guard, RemovalsThatLoseData) {
  EXPECT_EQ(removal(kClusterKind, "{}"), "Cluster x: its instances and all their data would be deleted");
  EXPECT_EQ(removal(kDatabaseKind, R"({"name":"orders","databaseReclaimPolicy":"delete"})"),
            "Database x: reclaimPolicy: delete: database orders would be dropped");
  EXPECT_EQ(removal(kDatabaseKind, R"({"name":"orders","databaseReclaimPolicy":"retain"})"), "");
  EXPECT_EQ(removal(kDatabaseKind, R"({"name":"orders"})"), "") << "retain is CloudNativePG's default";
  EXPECT_EQ(removal("Namespace", "{}"), "Namespace x: everything that it holds would be deleted");
  EXPECT_EQ(removal("PersistentVolumeClaim", "{}"), "PersistentVolumeClaim x: everything that it holds would be deleted");
  for (const std::string_view kind : {testing::kPoolerKind, testing::kSecretKind, std::string_view("ConfigMap"),
                                      std::string_view("ScheduledBackup.postgresql.cnpg.io")})
    EXPECT_EQ(removal(kind, "{}"), "") << kind;
}

std::string notices(std::string_view kind, std::string_view before, std::string_view after) {
  const testing::LiveJson live(kind, "main", fmt::format(R"("spec":{})", before));
  const testing::WantedObject wanted(kind, "main", fmt::format(R"("spec":{})", after));
  std::vector<std::string> out;
  notice_change(live.object, wanted.object, out);
  return fmt::format("{}", fmt::join(out, "\n"));
}

TEST(Notices, BackupsThatMove) {
  const auto to = [](std::string_view path) { return fmt::format(R"({{"backup":{{"barmanObjectStore":{{"destinationPath":"{}"}}}}}})", path); };
  EXPECT_EQ(notices(kClusterKind, to("s3://a"), to("s3://b")),
            "Cluster main: its backups move from s3://a to s3://b: those that are there stay, and are not looked for any more");
  EXPECT_EQ(notices(kClusterKind, to("s3://a"), "{}"),
            "Cluster main: its backups move from s3://a to nowhere: those that are there stay, and are not looked for any more");
  EXPECT_EQ(notices(kClusterKind, to("s3://a"), to("s3://a")), "");
  EXPECT_EQ(notices(kClusterKind, "{}", to("s3://a")), "");
}

TEST(Notices, IsolationThatIsTurnedOn) {
  const std::string_view open = R"({"postgresql":{"pg_hba":["host all all all scram-sha-256"]}})";
  const std::string_view shut = R"({"postgresql":{"pg_hba":["host a a all scram-sha-256","host all all all reject"]}})";
  EXPECT_EQ(notices(kClusterKind, open, shut),
            "Cluster main: isolation is turned on: who is not in the file gets in no more (sessions that are open stay)");
  EXPECT_EQ(notices(kClusterKind, shut, shut), "");
  EXPECT_EQ(notices(kClusterKind, shut, open), "");
}

TEST(Notices, ReclaimPolicies) {
  EXPECT_EQ(notices(kDatabaseKind, R"({"databaseReclaimPolicy":"retain"})", R"({"databaseReclaimPolicy":"delete"})"),
            "Database main: from now on, removing it drops the database");
  EXPECT_EQ(notices(kDatabaseKind, R"({"databaseReclaimPolicy":"delete"})", R"({"databaseReclaimPolicy":"retain"})"), "");
}

}  // namespace
}  // namespace dbm::release
