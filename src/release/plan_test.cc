#include "release/plan.h"

#include <gmock/gmock.h>

#include "release/testing.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using testing::kClusterKind;
using testing::kDatabaseKind;
using testing::kPoolerKind;
using testing::kSecretKind;
using testing::kShop;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kOurs = R"("applyset.kubernetes.io/part-of":"applyset-shop","app.kubernetes.io/managed-by":"cnpg-dbm","app.kubernetes.io/instance":"shop")";

std::string labels(std::string_view more = "") {
  return fmt::format(R"("labels":{{{}{}{}}})", kOurs, more.empty() ? "" : ",", more);
}
/// As it is after an apply of just this: labels, type and spec are ours.
std::string managed(std::string_view operation = "Apply", std::string_view more = "") {
  return fmt::format(R"("uid":"u","resourceVersion":"1","managedFields":[{{"manager":"cnpg-dbm","operation":"{}","fieldsV1":{{"f:metadata":{{"f:labels":{{"f:applyset.kubernetes.io/part-of":{{}},"f:app.kubernetes.io/managed-by":{{}},"f:app.kubernetes.io/instance":{{}},"f:cnpg.io/cluster":{{}}}}}},"f:type":{{}},"f:spec":{{}}{}}}}}])",
                     operation, more);
}

/// A file's objects and the server's, and what comes of them.
class World {
 public:
  Object& want(std::string_view kind, std::string_view name, std::string_view rest, std::string_view metadata = "", std::string_view ns = "prod") {
    texts_.push_back(std::make_unique<testing::WantedObject>(kind, name, rest, metadata.empty() ? labels() : metadata, ns));
    wanted_.objects.push_back(texts_.back()->object);
    return wanted_.objects.back();
  }
  void have(std::string_view kind, std::string_view name, std::string_view rest, std::string_view metadata = "") {
    const std::string all = metadata.empty() ? labels() + "," + managed() : std::string(metadata);
    EXPECT_TRUE(live_.take(testing::resource(kind), testing::object_json(kind, name, rest, all), kShop).ok());
  }
  void parent(const ApplySet& set) {
    yaml::Arena arena;
    std::string text;
    yaml::write_json(text, parent_object(arena, kShop, set));
    EXPECT_TRUE(live_.take_parent(text).ok());
  }
  /// "create Cluster a, same Secret b".
  std::string steps(const PlanOptions& options = {}) {
    plan = make_plan(wanted_, live_, kShop, options);
    std::string out;
    for (const Step& step : plan.steps) {
      constexpr std::string_view kWords[] = {"same", "create", "change", "prune", "release"};
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", kWords[static_cast<int>(step.action)], step.about(kShop));
    }
    return out;
  }
  std::string dangers(const PlanOptions& options = {}) {
    steps(options);
    std::string out;
    for (const Danger& danger : plan.dangers) out += fmt::format("{}{}", out.empty() ? "" : ", ", danger.object);
    return out;
  }
  Plan plan;

 private:
  std::deque<std::unique_ptr<testing::WantedObject>> texts_;
  Wanted wanted_;
  Live live_;
};

constexpr std::string_view kSpec = R"("spec":{"a":1})";

TEST(Plan, MakesChangesAndLeaves) {
  World world;
  world.want(kClusterKind, "new", kSpec);
  world.want(kClusterKind, "same", kSpec);
  world.want(kClusterKind, "other", kSpec);
  world.have(kClusterKind, "same", kSpec);
  world.have(kClusterKind, "other", R"("spec":{"a":2})");
  EXPECT_EQ(world.steps(), "create Cluster new, same Cluster same, change Cluster other");
  EXPECT_EQ(world.plan.count(Action::kCreate), 1u);
  EXPECT_FALSE(world.plan.is_nothing());
}

TEST(Plan, WhatLostItsMarkIsMarkedAgain) {
  World world;
  world.want(kPoolerKind, "p", kSpec, R"("labels":{"app.kubernetes.io/managed-by":"cnpg-dbm","app.kubernetes.io/instance":"shop"})");
  world.have(kPoolerKind, "p", kSpec, R"("labels":{"app.kubernetes.io/managed-by":"cnpg-dbm","app.kubernetes.io/instance":"shop"},)" + managed());
  EXPECT_EQ(world.steps(), "change Pooler p");
  EXPECT_THAT(world.plan.refusals, IsEmpty());
}

TEST(Plan, RemovesWhatUsesBeforeWhatIsUsed) {
  World world;
  world.have(kSecretKind, "connection", R"("type":"Opaque")");
  world.have("ImageCatalog.postgresql.cnpg.io", "images", kSpec);
  world.have(kDatabaseKind, "db", R"("spec":{"name":"orders","cluster":{"name":"main"}})");
  world.have(kPoolerKind, "rw", kSpec);
  world.have(kClusterKind, "main", kSpec);
  EXPECT_EQ(world.steps({.allowed = {"main"}}),
            "prune Database db, prune Pooler rw, prune Cluster main, prune Secret connection, prune ImageCatalog images");
  EXPECT_THAT(world.plan.dangers, IsEmpty());
}

TEST(Plan, LeavesAloneWhatIsNoMember) {
  World world;
  world.have(kPoolerKind, "theirs", kSpec, R"("labels":{"a":"b"})");
  world.have(kPoolerKind, "another", kSpec, R"("labels":{"applyset.kubernetes.io/part-of":"applyset-other"})");
  EXPECT_EQ(world.steps(), "");
  EXPECT_TRUE(world.plan.is_nothing());
}

TEST(Plan, ClustersGoByNameOnly) {
  World world;
  world.have(kClusterKind, "main", kSpec);
  world.have(kClusterKind, "other", kSpec);
  EXPECT_EQ(world.dangers(), "Cluster main, Cluster other");
  EXPECT_EQ(world.dangers({.allowed = {"main"}}), "Cluster other");
  EXPECT_EQ(world.dangers({.allowed = {"Cluster main", "Cluster/other"}}), "");
  EXPECT_EQ(world.dangers({.allowed = {"mai", "Database/main"}}), "Cluster main, Cluster other");
}

TEST(Plan, ClustersThatAreKeptStayWithWhatTheyNeed) {
  World world;
  const auto of = [](std::string_view cluster, std::string_view more = "") {
    return labels(fmt::format(R"("cnpg.io/cluster":"{}"{})", cluster, more)) + "," + managed();
  };
  for (const std::string name : {"main", "old"}) {
    world.have(kClusterKind, name, kSpec, of(name));
    world.have("ScheduledBackup.postgresql.cnpg.io", name + "-nightly", kSpec, of(name));
    world.have("PodMonitor.monitoring.coreos.com", name + "-monitor", kSpec, of(name));
    world.have(kDatabaseKind, name + "-db", fmt::format(R"("spec":{{"name":"orders","cluster":{{"name":"{}"}}}})", name), of(name));
    world.have(kPoolerKind, name + "-rw", kSpec, of(name));
    world.have(kSecretKind, name + "-app", R"("type":"Opaque")", of(name));
    world.have(kSecretKind, name + "-s3", R"("type":"Opaque")", of(name, R"(,"cnpg.io/reload":"true")"));
    world.have(kSecretKind, name + "-password", R"("type":"kubernetes.io/basic-auth")", of(name));
  }
  world.have("ImageCatalog.postgresql.cnpg.io", "images", kSpec);
  world.steps({.keep_clusters = true});
  EXPECT_THAT(world.plan.dangers, IsEmpty());
  EXPECT_EQ(world.plan.count(Action::kRelease), 9u);
  world.steps({.allowed = {"old"}, .keep_clusters = true});
  std::vector<std::string> released;
  for (const Step& step : world.plan.steps)
    if (step.action == Action::kRelease) released.emplace_back(step.about(kShop));
  EXPECT_THAT(released, ::testing::UnorderedElementsAre("Cluster main", "ScheduledBackup main-nightly", "Secret main-s3",
                                                        "Secret main-password", "ImageCatalog images"));
  EXPECT_EQ(world.plan.steps.size(), 17u) << "all others go";
}

TEST(Plan, SecretsThatAreStillNamedStay) {
  const std::string of_role = R"("spec":{"managed":{"roles":[{"name":"a","passwordSecret":{"name":"mine"}}]}})";
  World kept;
  kept.have(kClusterKind, "main", of_role);
  kept.have(kSecretKind, "mine", R"("type":"Opaque")");
  kept.have(kSecretKind, "other", R"("type":"Opaque")");
  EXPECT_EQ(kept.steps({.keep_clusters = true}), "release Cluster main, release Secret mine, prune Secret other");
  EXPECT_EQ(kept.steps({.allowed = {"main"}, .keep_clusters = true}), "prune Cluster main, prune Secret mine, prune Secret other");

  World wanted;
  const std::string backed_up = R"("spec":{"backup":{"barmanObjectStore":{"s3Credentials":{"accessKeyId":{"name":"s3","key":"k"}}}}})";
  wanted.want(kClusterKind, "main", backed_up);
  wanted.have(kClusterKind, "main", backed_up);
  wanted.have(kSecretKind, "s3", R"("type":"Opaque")");
  EXPECT_EQ(wanted.steps(), "same Cluster main, release Secret s3");
  EXPECT_THAT(wanted.plan.notices, ElementsAre("Secret s3 is named by what stays: it stays too, and is yours"));
}

TEST(Plan, PasswordsThatWereKeptGoWithTheirCluster) {
  World world;
  world.have(kClusterKind, "old", kSpec);
  world.have(kSecretKind, "kept", R"("type":"kubernetes.io/basic-auth")",
             R"("labels":{"app.kubernetes.io/managed-by":"cnpg-dbm","app.kubernetes.io/instance":"shop","cnpg.io/cluster":"old"})");
  world.have(kSecretKind, "theirs", R"("type":"kubernetes.io/basic-auth")", R"("labels":{"cnpg.io/cluster":"old"})");
  EXPECT_EQ(world.steps({.allowed = {"old"}}), "prune Cluster old, prune Secret kept");
}

TEST(Plan, PasswordsStayAsLongAsTheirCluster) {
  World world;
  world.want(kClusterKind, "main", kSpec);
  world.have(kClusterKind, "main", kSpec);
  world.have(kClusterKind, "old", kSpec);
  const auto secret = [&](std::string_view name, std::string_view cluster) {
    world.have(kSecretKind, name, R"("type":"kubernetes.io/basic-auth")",
               labels(fmt::format(R"("cnpg.io/cluster":"{}")", cluster)) + "," + managed());
  };
  secret("main-gone", "main");
  secret("old-gone", "old");
  EXPECT_EQ(world.steps({.allowed = {"old"}}), "same Cluster main, prune Cluster old, release Secret main-gone, prune Secret old-gone");
}

TEST(Plan, TellsThatDatabasesAreRetained) {
  World world;
  world.want(kClusterKind, "main", kSpec);
  world.have(kClusterKind, "main", kSpec);
  world.have(kDatabaseKind, "kept", R"("spec":{"name":"orders","cluster":{"name":"main"}})");
  world.have(kDatabaseKind, "dropped", R"("spec":{"name":"old","databaseReclaimPolicy":"delete","cluster":{"name":"main"}})");
  EXPECT_EQ(world.dangers(), "Database dropped");
  EXPECT_THAT(world.plan.notices, ElementsAre("Database kept is removed; database orders is retained in PostgreSQL, with its data"));
}

TEST(Plan, RefusesWhatIsSomebodyElses) {
  const auto refusal = [](std::string_view metadata, Made made = Made::kByFile) {
    World world;
    world.want(kPoolerKind, "p", kSpec).made = made;
    world.have(kPoolerKind, "p", kSpec, metadata);
    const std::string steps = world.steps();
    if (world.plan.refusals.empty()) return steps;
    EXPECT_EQ(steps, "") << "nothing is planned for it";
    return world.plan.refusals[0].message;
  };
  EXPECT_EQ(refusal(R"("labels":{"app.kubernetes.io/managed-by":"Helm"},"annotations":{"meta.helm.sh/release-name":"old"})"),
            "Pooler p belongs to a release of Helm (old)");
  EXPECT_EQ(refusal(R"("labels":{"applyset.kubernetes.io/part-of":"applyset-x","app.kubernetes.io/instance":"other"})"),
            "Pooler p belongs to another release (other)");
  EXPECT_EQ(refusal(R"("labels":{"app.kubernetes.io/managed-by":"cnpg-dbm","app.kubernetes.io/instance":"other"})"),
            "Pooler p belongs to another release (other)");
  EXPECT_EQ(refusal(R"("labels":{"a":"b"})"), "Pooler p is there already and is not ours");
  EXPECT_EQ(refusal(R"("labels":{"a":"b"})", Made::kForeign), "change Pooler p") << "as kubectl apply: the file's own object";
  EXPECT_EQ(refusal(R"("labels":{"app.kubernetes.io/managed-by":"Helm"})", Made::kForeign), "Pooler p belongs to a release of Helm ()");
}

TEST(Plan, APasswordIsWrittenOnce) {
  World world;
  const std::string rest = R"("type":"kubernetes.io/basic-auth","data":{"username":"YQ==","password":"Yg=="})";
  const auto want = [&](std::string_view name) { world.want(kSecretKind, name, rest).made = Made::kOnce; };
  want("new");
  want("made");
  want("applied");
  world.have(kSecretKind, "made", rest, labels() + "," + managed("Update", R"(,"f:data":{"f:username":{},"f:password":{}})"));
  // An apply changed something else of it later: its entry comes first, and has no password.
  world.have(kSecretKind, "applied", rest, labels() + "," + managed("Apply", R"(,"f:data":{"f:username":{}})"));
  EXPECT_EQ(world.steps(), "create Secret new, same Secret made, same Secret applied");
}

TEST(Plan, ParentsNameKindsAndNamespaces) {
  World world;
  world.want(kClusterKind, "main", kSpec);
  world.want(kSecretKind, "s", R"("type":"Opaque")", "", "crm");
  world.parent({{"Pooler.postgresql.cnpg.io"}, {"old"}, "H=1.29"});
  EXPECT_EQ(world.steps(), "create Cluster main, create Secret s in namespace crm");
  EXPECT_EQ(world.plan.before, (ApplySet{{"Pooler.postgresql.cnpg.io"}, {"old"}, "H=1.29"}));
  EXPECT_EQ(world.plan.after, (ApplySet{{"Cluster.postgresql.cnpg.io", "Secret"}, {"crm"}, "H=1.29"}));
  EXPECT_EQ(world.plan.during, (ApplySet{{"Cluster.postgresql.cnpg.io", "Pooler.postgresql.cnpg.io", "Secret"}, {"crm", "old"}, "H=1.29"}));
}

TEST(Plan, ANewerCloudNativePGIsRemembered) {
  World world;
  world.parent({{}, {}, "H=1.29"});
  world.steps({.cnpg_api = "I=1.30"});
  EXPECT_EQ(world.plan.after.cnpg_api, "I=1.30");
  EXPECT_FALSE(world.plan.is_nothing()) << "the parent is to be written";
  world.steps({.cnpg_api = "H=1.29"});
  EXPECT_TRUE(world.plan.is_nothing());
}

TEST(Plan, DangersOfChangesToo) {
  World world;
  world.want(kClusterKind, "main", R"("spec":{"storage":{"size":"1Gi"}})");
  world.have(kClusterKind, "main", R"("spec":{"storage":{"size":"2Gi"}})");
  EXPECT_EQ(world.dangers(), "Cluster main");
  EXPECT_EQ(world.dangers({.allowed = {"main"}}), "");
}

TEST(Steps, KnowTheirCluster) {
  World world;
  world.want(kClusterKind, "new", kSpec);
  world.have(kClusterKind, "main", kSpec);
  world.have(kPoolerKind, "rw", kSpec, labels(R"("cnpg.io/cluster":"main")") + "," + managed());
  world.steps();
  std::vector<std::string> clusters;
  for (const Step& step : world.plan.steps) clusters.emplace_back(step.cluster());
  EXPECT_THAT(clusters, ElementsAre("new", "main", "main"));
}

}  // namespace
}  // namespace dbm::release
