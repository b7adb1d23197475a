#include "render/render.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/version.h"
#include "spec/testing.h"
#include "yaml/writer.h"

namespace dbm::render {
namespace {

using spec::testing::cluster;
using spec::testing::Loaded;
using yaml::Value;

/// Every object of a file, kept: "Kind/namespace/name" and its YAML.
struct Rendered {
  explicit Rendered(const std::string& text, Options options = {}) : file(text) {
    EXPECT_FALSE(file.file.diagnostics.has_errors()) << file.said();
    options.applyset = applyset_id(options.release, options.ns);
    const auto clusters = plan_clusters(file.values);
    for (const Unit& unit : units(file.values, clusters, options))
      render(file.values, unit, options,
             [&](const spec::Cluster& c, size_t i) { return password(c, i); },
             [&](const Object& object) {
               std::string yaml;
               yaml::write_yaml(yaml, object.value);
               names.push_back(std::string(object.kind) + "/" + std::string(object.ns) + "/" +
                               std::string(object.name));
               texts[names.back()] = yaml;
               all += yaml;
             });
  }
  static std::string_view password(const spec::Cluster&, size_t i) {
    static const std::string kPasswords = "abcdefghijklmnopqrstuvwxyz";
    return std::string_view(kPasswords).substr(i % 20, 4);
  }
  /// The object, read back.
  Value object(const std::string& name) {
    const uint16_t source = file.file.sources.add(name, texts[name]);
    return *yaml::read(file.file.arena, file.file.sources, source, file.file.diagnostics);
  }
  std::string json(const std::string& name, std::initializer_list<std::string_view> path) {
    const Value whole = object(name);
    const Value* part = whole.find_path(path);
    std::string out;
    if (part != nullptr) yaml::write_json(out, *part);
    return out;
  }

  Loaded file;
  std::vector<std::string> names;
  std::map<std::string, std::string> texts;
  std::string all;
};

constexpr const char* kEverything =
    "    databases:\n    - {name: app_1, owner: app, targetNamespace: team}\n"
    "    - {name: other, owner: other, users: [{name: reader, access: read}]}\n"
    "    poolers: [{name: rw}]\n"
    "    backup: {enabled: true, s3: {bucket: b, accessKeyId: i, secretAccessKey: s}}\n"
    "    monitoring: {enabled: true, prometheusRule: {enabled: true}}\n";

TEST(Render, MakesEveryObjectInHelmsOrder) {
  Rendered r(cluster(kEverything));
  EXPECT_THAT(r.names, ::testing::ElementsAre(
      "Secret/default/main-app-password", "Secret/default/main-other-password",
      "Secret/default/main-reader-password", "Secret/default/main-backup-creds",
      "Secret/default/main-app-1-app", "Secret/team/main-app-1-app", "Secret/default/main-other-app",
      "Secret/default/main-other-reader", "Cluster/default/main", "Database/default/main-app-1",
      "Database/default/main-other", "Pooler/default/main-pooler-rw",
      "PrometheusRule/default/main-alerts", "ScheduledBackup/default/main-scheduled-backup"));
}

TEST(Render, GivesTheSameBytesAgain) {
  EXPECT_EQ(Rendered(cluster(kEverything)).all, Rendered(cluster(kEverything)).all);
}

TEST(Render, PutsExtraObjectsWhereHelmWould) {
  Rendered r(cluster("") + "extraObjects:\n- {apiVersion: v1, kind: Service, metadata: {name: s}}\n"
                           "- {apiVersion: v1, kind: Namespace, metadata: {name: n}}\n"
                           "- {apiVersion: example.com/v1, kind: Apple, metadata: {name: a}}\n");
  EXPECT_THAT(r.names, ::testing::ElementsAre("Namespace/default/n", "Service/default/s",
                                              "Apple/default/a", "Cluster/default/main"));
}

TEST(Render, LabelsEveryObject) {
  Rendered r(cluster(kEverything), {.release = "shop"});
  for (const std::string& name : r.names) {
    const std::string labels = r.json(name, {"metadata", "labels"});
    EXPECT_THAT(labels, ::testing::HasSubstr("\"app.kubernetes.io/instance\":\"shop\"")) << name;
    EXPECT_THAT(labels, ::testing::HasSubstr("\"applyset.kubernetes.io/part-of\":\"" +
                                             applyset_id("shop", "default") + "\"")) << name;
    EXPECT_THAT(labels, ::testing::HasSubstr("\"cnpg.io/cluster\":\"main\"")) << name;
  }
}

TEST(Render, NothingOfDisabledClusters) {
  EXPECT_TRUE(Rendered("clusters: {main: {enabled: false, databases: [{name: a, owner: b}]}}").names.empty());
}

TEST(Render, LeavesOutWhatRowsHaveJudged) {
  Rendered r(cluster(kEverything), {.judged_only = true});
  for (const std::string& name : r.names) {
    EXPECT_FALSE(name.starts_with("Secret/")) << name;
    EXPECT_FALSE(name.starts_with("Database/")) << name;
  }
  Rendered passed(cluster("    databases: [{name: a, owner: b, additionalDatabaseSpec: {template: x}}]\n"),
                  {.judged_only = true});
  EXPECT_THAT(passed.names, ::testing::Contains("Database/default/main-a"));
}

TEST(Render, LeavesRolesToBeJudgedThatTheFileSaysMoreOf) {
  const std::string name = "Cluster/default/main";
  const std::string databases = "    databases: [{name: a, owner: b}]\n";
  Rendered own(cluster(databases + "    roles: {c: {login: true}}\n"), {.judged_only = true});
  EXPECT_EQ(own.json(name, {"spec", "managed", "roles"}),
            R"([{"name":"c","ensure":"present","passwordSecret":{"name":"main-c-password"},)"
            R"("login":true}])");
  Rendered merged(cluster(databases + "    additionalClusterSpec:\n"
                                      "      managed: {roles: [{name: b, disablePassword: true}]}\n"),
                  {.judged_only = true});
  EXPECT_EQ(merged.json(name, {"spec", "managed", "roles"}),
            R"([{"name":"b","ensure":"present","login":true,)"
            R"("passwordSecret":{"name":"main-b-password"},"disablePassword":true}])");
}

TEST(Render, MergesAdditionalClusterSpec) {
  Rendered r(cluster("    databases: [{name: a, owner: b}]\n"
                     "    postgresql: {pg_hba: [one]}\n    additionalClusterSpec:\n      instances: 5\n"
                     "      postgresql: {pg_hba: [two], parameters: {work_mem: 8MB}}\n"
                     "      managed: {roles: [{name: b, connectionLimit: 7}, {name: c}]}\n"
                     "      bootstrap: {recovery: {backup: {name: x}}}\n"));
  const std::string name = "Cluster/default/main";
  EXPECT_EQ(r.json(name, {"spec", "instances"}), "5");
  EXPECT_EQ(r.json(name, {"spec", "postgresql", "parameters", "work_mem"}), "\"8MB\"");
  EXPECT_EQ(r.json(name, {"spec", "postgresql", "parameters", "shared_buffers"}), "\"256MB\"");
  EXPECT_EQ(r.json(name, {"spec", "postgresql", "pg_hba"}),
            R"(["one","two","host \"a\" \"b\" all scram-sha-256","host all all all reject"])");
  EXPECT_EQ(r.json(name, {"spec", "managed", "roles"}),
            R"([{"name":"b","ensure":"present","login":true,"passwordSecret":{"name":"main-b-password"},)"
            R"("connectionLimit":7},{"name":"c"}])");
  EXPECT_EQ(r.json(name, {"spec", "bootstrap"}), R"({"recovery":{"backup":{"name":"x"}}})");
}

TEST(Render, ImagesOfACatalogNeedNoName) {
  Rendered r(cluster("    additionalClusterSpec: {imageCatalogRef: {apiGroup: postgresql.cnpg.io, "
                     "kind: ImageCatalog, name: c, major: 17}}\n"));
  EXPECT_EQ(r.json("Cluster/default/main", {"spec", "imageName"}), "");
}

TEST(Render, ConnectionSecretsHoldAWayIn) {
  Rendered r(cluster(kEverything));
  const Value secret = r.object("Secret/team/main-app-1-app");
  std::set<std::string_view> keys;
  for (const yaml::Member& m : secret.find("data")->members()) keys.insert(m.key);
  EXPECT_THAT(keys, ::testing::UnorderedElementsAre(
      "username", "user", "password", "dbname", "database", "host", "port", "uri", "jdbc-uri",
      "jdbc-url", "pgpass", "fqdn-uri", "fqdn-jdbc-uri", "pooler-rw-host", "pooler-rw-uri"));
}

TEST(Render, ExternalSecretsInsteadOfSecrets) {
  Rendered r(cluster("    roleSecrets: {source: external}\n    databases: [{name: a, owner: b}]\n"));
  EXPECT_THAT(r.names, ::testing::Contains("ExternalSecret/default/main-b-password"));
  EXPECT_THAT(r.names, ::testing::Not(::testing::Contains("Secret/default/main-b-password")));
}

TEST(Hba, NamesNeverWidenARule) {
  Rendered r(cluster("    databases:\n"
                     "    - {name: all, owner: sameuser, existingSecret: s1}\n"
                     "    - {name: b, owner: '+c', existingSecret: s2}\n"
                     "    - {name: d, owner: '@e', existingSecret: s3}\n"
                     "    - {name: f, owner: 'g,h i', existingSecret: s4}\n"
                     "    - {name: j, owner: 'k\"l', existingSecret: s5}\n"
                     "    - {name: m, owner: '/n.*', existingSecret: s6}\n"
                     "    poolers: [{name: rw}]\n"));
  EXPECT_EQ(r.json("Cluster/default/main", {"spec", "postgresql", "pg_hba"}),
            R"(["host \"all\" \"sameuser\" all scram-sha-256","host \"b\" \"+c\" all scram-sha-256",)"
            R"("host \"d\" \"@e\" all scram-sha-256","host \"f\" \"g,h i\" all scram-sha-256",)"
            R"("host \"j\" \"k\"\"l\" all scram-sha-256",)"
            R"("host \"m\" \"/^/n\\.\\*$\" all scram-sha-256","host all all all reject"])");
  EXPECT_THAT(r.json("Pooler/default/main-pooler-rw", {"spec", "pgbouncer", "pg_hba"}),
              ::testing::HasSubstr(R"(host \"m\" \"/n.*\" all)"));
}

TEST(Hba, IsOffWhenIsolationIs) {
  Rendered r(cluster("    isolation: {enabled: false}\n    databases: [{name: a, owner: b}]\n"));
  EXPECT_EQ(r.json("Cluster/default/main", {"spec", "postgresql", "pg_hba"}), "");
}

TEST(Hba, RequiresTlsWhenAsked) {
  Rendered r(cluster("    isolation: {requireTLS: true}\n    databases: [{name: a, owner: b}]\n"));
  EXPECT_THAT(r.json("Cluster/default/main", {"spec", "postgresql", "pg_hba"}),
              ::testing::StartsWith(R"(["hostssl \"a\" \"b\" all scram-sha-256")"));
}

/// Whoever owns a database has a role, a password and a line of his own, and no other line.
TEST(Render, EveryTenantHasHisOwnAndNothingElse) {
  EXPECT_TRUE(rc::check([] {
    const int n = *rc::gen::inRange(1, 6);
    std::string body = "    databases:\n";
    std::vector<int> owners;
    for (int i = 0; i < n; ++i) {
      owners.push_back(*rc::gen::inRange(0, 4));
      body += "    - {name: db" + std::to_string(i) + ", owner: o" + std::to_string(owners[i]) + "}\n";
    }
    Rendered r(cluster(body));
    const std::string hba = r.texts["Cluster/default/main"];
    for (int i = 0; i < n; ++i) {
      const std::string owner = "o" + std::to_string(owners[i]), db = "db" + std::to_string(i);
      RC_ASSERT(r.texts.contains("Secret/default/main-" + owner + "-password"));
      RC_ASSERT(r.texts.contains("Secret/default/main-" + db + "-app"));
      RC_ASSERT(r.texts.contains("Database/default/main-" + db));
      for (int other = 0; other < 4; ++other) {
        const std::string line = "host \"" + db + "\" \"o" + std::to_string(other) + "\" all";
        RC_ASSERT((hba.find(line) != hba.npos) == (other == owners[i]));
      }
    }
  }));
}

TEST(Volumes, TheDefaultSizeGivesWayToTheClaimsTemplate) {  // as the chart; CloudNativePG prefers size
  const std::string claim = "pvcTemplate: {resources: {requests: {storage: 5Gi}}}";
  const auto sizes = [](const std::string& storage) {
    Rendered r(cluster("    storage: {" + storage + "}\n    walStorage: {enabled: true, " + storage + "}\n    databases: []\n"));
    const std::string path = "Cluster/default/main";
    return r.json(path, {"spec", "storage", "size"}) + " " + r.json(path, {"spec", "walStorage", "size"});
  };
  EXPECT_EQ(sizes(claim), " ");
  EXPECT_EQ(sizes("size: 6Gi, " + claim), R"("6Gi" "6Gi")");
  EXPECT_EQ(sizes("pvcTemplate: {accessModes: [ReadWriteOnce]}"), R"("50Gi" "10Gi")");
}

TEST(Render, NoObjectNamesTheProgramsVersion) {  // or each new version would rewrite all objects
  Rendered r(cluster("    databases: [{name: a, owner: b, users: [{name: c, access: read}]}]\n"
                     "    poolers: [{name: rw}]\n"));
  EXPECT_THAT(r.all, ::testing::Not(::testing::HasSubstr("app.kubernetes.io/version")));
  EXPECT_THAT(r.all, ::testing::Not(::testing::HasSubstr(std::string(kVersion))));
}

TEST(Order, IsHelms) {
  EXPECT_LT(install_rank("Namespace"), install_rank("Secret"));
  EXPECT_LT(install_rank("Secret"), install_rank("Deployment"));
  EXPECT_EQ(install_rank("Cluster"), install_rank("Pooler"));
}

TEST(ApplySet, IsTheHashOfItsParent) {  // KEP-3659: base64url(sha256(name.namespace.kind.group))
  EXPECT_EQ(applyset_id("databases", "default"),
            "applyset-40r-bxXzXWKPdzbNuKofo7HaXko_12hLQHd3qqJANRo-v1");
  EXPECT_NE(applyset_id("databases", "other"), applyset_id("databases", "default"));
}

}  // namespace
}  // namespace dbm::render
