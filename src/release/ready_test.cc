#include "release/ready.h"

#include "release/testing.h"

namespace dbm::release {
namespace {

/// "ready: message", of an object with this spec and status.
std::string judged(std::string_view kind, std::string_view spec, std::string_view status, std::string_view metadata = "") {
  const testing::Json object(testing::object_json(kind, "x", fmt::format(R"("spec":{}{}{})", spec, status.empty() ? "" : R"(,"status":)", status), metadata));
  const Readiness found = readiness(object.tree);
  constexpr std::string_view kWords[] = {"ready", "waiting", "failed"};
  return fmt::format("{}: {}", kWords[static_cast<int>(found.state)], found.message);
}

std::string cluster(std::string_view status, std::string_view spec = R"({"instances":3})") {
  return judged(testing::kClusterKind, spec, status);
}

TEST(Readiness, Clusters) {
  EXPECT_EQ(cluster(""), "waiting: the operator has not looked at it yet");
  EXPECT_EQ(cluster(R"({"phase":"Setting up primary"})"), "waiting: 0 of 3 instances ready: Setting up primary");
  EXPECT_EQ(cluster(R"({"phase":"Creating a new replica","phaseReason":"Creating replica x-2-join","readyInstances":1})"),
            "waiting: 1 of 3 instances ready: Creating a new replica: Creating replica x-2-join");
  EXPECT_EQ(cluster(R"({"phase":"Cluster in healthy state","readyInstances":2})"), "waiting: 2 of 3 instances ready: Cluster in healthy state");
  EXPECT_EQ(cluster(R"({"phase":"Cluster in healthy state","readyInstances":3})"), "ready: 3 of 3 instances ready");
  EXPECT_EQ(cluster(R"({"phase":"Cluster in healthy state","readyInstances":1})", "{}"), "ready: 1 of 1 instances ready");
}

TEST(Readiness, ClustersThatDoNotGoOn) {
  for (const char* phase : {"Waiting for user action", "Cluster is unrecoverable and needs manual intervention",
                            "Unable to create required cluster objects", "Cluster has incomplete or invalid image catalog"})
    EXPECT_EQ(cluster(fmt::format(R"({{"phase":"{}","phaseReason":"why"}})", phase)), fmt::format("failed: 0 of 3 instances ready: {}: why", phase));
}

TEST(Readiness, ArchivingOfAHealthyCluster) {
  const auto archiving = [](std::string_view status) {
    return cluster(fmt::format(R"({{"phase":"Cluster in healthy state","readyInstances":3,"conditions":[{{"type":"Ready","status":"True"}},
      {{"type":"ContinuousArchiving","status":"{}","message":"no such bucket"}}]}})", status));
  };
  EXPECT_EQ(archiving("False"), "failed: 3 of 3 instances ready; WAL archiving fails: no such bucket");
  EXPECT_EQ(archiving("True"), "ready: 3 of 3 instances ready");
}

TEST(Readiness, RolesOfACluster) {
  const std::string_view spec = R"({"instances":1,"managed":{"roles":[{"name":"a"},{"name":"b"},{"name":"gone","ensure":"absent"}]}})";
  const auto roles = [&](std::string_view more) {
    return cluster(fmt::format(R"({{"phase":"Cluster in healthy state","readyInstances":1,"managedRolesStatus":{{{}}}}})", more), spec);
  };
  EXPECT_EQ(roles(""), "waiting: 1 of 1 instances ready; 2 roles to be made");
  EXPECT_EQ(roles(R"("byStatus":{"reconciled":["a"],"pending-reconciliation":["b"]})"), "waiting: 1 of 1 instances ready; 1 roles to be made");
  EXPECT_EQ(roles(R"("byStatus":{"reconciled":["a","b"]})"), "ready: 1 of 1 instances ready");
  EXPECT_EQ(roles(R"("byStatus":{"reconciled":["a"]},"cannotReconcile":{"b":["role \"c\" does not exist"]})"),
            "failed: role b: role \"c\" does not exist");
}

TEST(Readiness, Databases) {
  const auto database = [](std::string_view status) { return judged(testing::kDatabaseKind, "{}", status, R"("generation":2)"); };
  EXPECT_EQ(database(""), "waiting: not applied yet");
  EXPECT_EQ(database(R"({"applied":true,"observedGeneration":2})"), "ready: ");
  EXPECT_EQ(database(R"({"applied":true,"observedGeneration":1})"), "waiting: not applied yet") << "of the spec before";
  EXPECT_EQ(database(R"({"applied":false,"message":"role \"shop\" does not exist"})"), "failed: role \"shop\" does not exist");
  EXPECT_EQ(database(R"({"message":"waiting for the cluster"})"), "waiting: waiting for the cluster");
}

TEST(Readiness, Others) {
  EXPECT_EQ(judged(testing::kPoolerKind, R"({"instances":2})", R"({"instances":1})"), "waiting: 1 of 2 instances");
  EXPECT_EQ(judged(testing::kPoolerKind, "{}", R"({"instances":1})"), "ready: 1 of 1 instances");
  const std::string_view scheduled = "ScheduledBackup.postgresql.cnpg.io", backup = "Backup.postgresql.cnpg.io";
  EXPECT_EQ(judged(scheduled, "{}", ""), "waiting: not scheduled yet");
  EXPECT_EQ(judged(scheduled, R"({"suspend":true})", ""), "ready: suspended");
  EXPECT_EQ(judged(scheduled, "{}", R"({"nextScheduleTime":"2026-01-01T00:00:00Z"})"), "ready: next at 2026-01-01T00:00:00Z");
  EXPECT_EQ(judged(backup, "{}", ""), "waiting: not started yet");
  EXPECT_EQ(judged(backup, "{}", R"({"phase":"running"})"), "waiting: running");
  EXPECT_EQ(judged(backup, "{}", R"({"phase":"failed","error":"no space"})"), "failed: no space");
  EXPECT_EQ(judged(backup, "{}", R"({"phase":"completed","stoppedAt":"then"})"), "ready: then");
  const std::string_view external = "ExternalSecret.external-secrets.io";
  EXPECT_EQ(judged(external, "{}", ""), "waiting: the External Secrets operator has not looked at it yet");
  EXPECT_EQ(judged(external, "{}", R"({"conditions":[{"type":"Ready","status":"False","message":"no store"}]})"), "failed: no store");
  EXPECT_EQ(judged(external, "{}", R"({"conditions":[{"type":"Ready","status":"True","message":"synced"}]})"), "ready: synced");
  EXPECT_EQ(judged(testing::kSecretKind, "{}", ""), "ready: ") << "nothing to wait for";
  EXPECT_FALSE(has_readiness("Secret"));
  EXPECT_TRUE(has_readiness("Cluster"));
}

}  // namespace
}  // namespace dbm::release
