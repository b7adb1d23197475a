#include "cnpg/check.h"

#include <gtest/gtest.h>

#include "yaml/testing.h"
#include "yaml/writer.h"

namespace dbm::cnpg {
namespace {

using yaml::testing::Document;

/// "code line:column message|hint" of every complaint about a Cluster's spec, then its normal form.
struct Checked {
  explicit Checked(std::string text, bool partial = true, Version version = kLatest,
                   std::string_view type = "Cluster.spec")
      : d(std::move(text)) {
    CheckContext context{version, "spec", d.diagnostics, false, partial};
    yaml::Value value = d.tree;
    check_type(d.arena, value, *find(type), context);
    yaml::write_json(json, value);
    for (const Diagnostic& found : d.diagnostics.sorted()) {
      codes += found.code + " " + std::to_string(found.pos.line) + ":" +
               std::to_string(found.pos.column) + ";";
      hints += found.hint + ";";
    }
  }
  Document d;
  std::string codes, hints, json;
};

TEST(Check, BringsValuesIntoTheServersForm) {
  const Checked c("{logLevel: info, instances: 0x3, enablePDB: yes, env: [{name: A, value: 5}],\n"
                  " resources: {requests: {cpu: 2}}, postgresql: {parameters: {a: 1.5}}}");
  EXPECT_EQ(c.codes, "");
  EXPECT_EQ(c.json,
            R"({"logLevel":"info","instances":3,"enablePDB":true,"env":[{"name":"A","value":"5"}],)"
            R"("resources":{"requests":{"cpu":2}},"postgresql":{"parameters":{"a":"1.5"}}})");
}

TEST(Check, NamesTheNearestField) {
  const Checked c("afinity: {}\naffinity:\n  nodeSelectr: {}\n");
  EXPECT_EQ(c.codes, "unknown-field 1:1;unknown-field 3:3;");
  EXPECT_EQ(c.hints, "did you mean \"affinity\"?;did you mean \"nodeSelector\"?;");
}

TEST(Check, FindsEveryKindOfMistake) {
  EXPECT_EQ(Checked("instances: many").codes, "wrong-type 1:12;");
  EXPECT_EQ(Checked("stopDelay: 99999999999").codes, "out-of-range 1:12;");
  EXPECT_EQ(Checked("instances: 0").codes, "out-of-range 1:12;");
  EXPECT_EQ(Checked("logLevel: loud").codes, "bad-enum 1:11;");
  EXPECT_EQ(Checked("resources: []").codes, "wrong-type 1:12;");
  EXPECT_EQ(Checked("env: {}").codes, "wrong-type 1:6;");
  EXPECT_EQ(Checked("env: [~]").codes, "wrong-type 1:7;");
  EXPECT_EQ(Checked("resources: {limits: {memory: 1GB}}").codes, "bad-value 1:30;");
  EXPECT_EQ(Checked("enablePDB: perhaps").codes, "wrong-type 1:12;");
  EXPECT_EQ(Checked("replicationSlots: {highAvailability: {slotPrefix: UPPER}}").codes,
            "bad-value 1:51;");
}

TEST(Check, WantsWhatIsRequiredOnceAllIsThere) {
  EXPECT_EQ(Checked("affinity: {}").codes, "");
  EXPECT_EQ(Checked("{name: app}", true, kLatest, "Database.spec").codes, "");
  EXPECT_EQ(Checked("{name: app}", false, kLatest, "Database.spec").codes,
            "missing-field 1:1;missing-field 1:1;");
  EXPECT_EQ(Checked("env: [{value: a}]").codes, "missing-field 1:7;") << "an item is whole";
}

TEST(Check, TellsVersions) {
  EXPECT_EQ(Checked("podSelectorRefs: []", true, Version::k1_28).codes, "needs-newer-cnpg 1:1;");
  EXPECT_EQ(Checked("podSelectorRefs: []", true, Version::k1_29).codes, "");
}

TEST(Check, FindsItemsTwice) {
  const Checked c("postgresql:\n  extensions:\n  - {name: a, image: {reference: r}}\n"
                  "  - {name: a, image: {reference: r}}\n");
  EXPECT_NE(c.codes.find("4:5"), std::string::npos) << c.codes;
}

TEST(Check, JudgingOnlyLeavesTheValueAlone) {
  Document d("{instances: 0x3}");
  CheckContext context{.version = kLatest, .path = "spec", .out = d.diagnostics, .partial = true,
                       .judge_only = true};
  yaml::Value value = d.tree;
  check_type(d.arena, value, *find("Cluster.spec"), context);
  EXPECT_EQ(value.find("instances")->text(), "0x3");
}

TEST(Check, LenientTurnsUnknownFieldsIntoWarnings) {
  Document d("{afinity: {}, instances: x}");
  CheckContext context{kLatest, "spec", d.diagnostics, true, true};
  yaml::Value value = d.tree;
  check_type(d.arena, value, *find("Cluster.spec"), context);
  EXPECT_EQ(d.diagnostics.errors(), 1u);
  EXPECT_EQ(d.diagnostics.warnings(), 1u);
}

}  // namespace
}  // namespace dbm::cnpg
