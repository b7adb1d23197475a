#include "release/write.h"

#include <set>

#include <gmock/gmock.h>

#include "kube/late_libcurl.h"
#include "kube/testing.h"
#include "release/testing.h"
#include "testing/http_peer.h"

namespace dbm::release {
namespace {

using kube::Verb;

kube::ApiError error_of(std::vector<kube::Cause> causes) {
  return {.status = 409, .reason = "Conflict", .message = "Apply failed with 1 conflict", .hint = {}, .causes = std::move(causes)};
}

TEST(Explain, ConflictsNameFieldsAndManagers) {
  const Error error = explain("Cluster main", error_of({{"FieldManagerConflict", R"(conflict with "kubectl-edit" using postgresql.cnpg.io/v1)", ".spec.instances"},
                                                        {"FieldManagerConflict", R"(conflict with "hpa")", ".spec.a"}}));
  EXPECT_EQ(error.message, "Cluster main: .spec.instances belongs to field manager kubectl-edit, .spec.a belongs to field manager hpa");
  EXPECT_EQ(error.hint, "--force-conflicts takes the field; or leave it to that manager: take the key out of the file");
}

TEST(Explain, OthersAreTheServersWords) {
  EXPECT_EQ(explain("Cluster main", error_of({})).message, "Cluster main: Apply failed with 1 conflict");
  EXPECT_EQ(explain("Cluster main", error_of({{"FieldValueInvalid", "too small", "spec.instances"}})).message, "Cluster main: Apply failed with 1 conflict");
  EXPECT_EQ(explain("X", {.status = 403, .reason = "Forbidden", .message = "no\x1b[0m", .hint = "ask", .causes = {}}).message, "X: no\\x1B[0m");
}

const std::string kPassword = R"("type":"kubernetes.io/basic-auth","data":{"username":"YQ==","password":"c2VjcmV0"})";

TEST(RemovalOf, SaysInItsBodyThatItIsTried) {
  const testing::LiveJson live(testing::kClusterKind, "main", "");
  const Step step{Action::kPrune, nullptr, &live.object};
  EXPECT_NE(removal_of(step, {.dry_run = true}).body.find(R"("dryRun":["All"])"), std::string::npos)
      << "a server that is given a body reads no options from the query, and would remove it";
  EXPECT_EQ(removal_of(step, {}).body.find("dryRun"), std::string::npos);
  EXPECT_NE(removal_of({Action::kRelease, nullptr, &live.object}, {.dry_run = true}).query.find("dryRun=All"), std::string::npos);
}

TEST(Parent, IsWrittenOverWhatWasSeenOnly) {
  const ApplySet set{{"Secret"}, {}, ""};
  const kube::Call first = parent_call(testing::kShop, set, {});
  EXPECT_EQ(first.verb, Verb::kCreate) << "of two first applies one is to look again";
  EXPECT_EQ(first.body.find("resourceVersion"), std::string::npos);
  const kube::Call next = parent_call(testing::kShop, set, {"u", "7"});
  EXPECT_EQ(next.verb, Verb::kPatch);
  EXPECT_TRUE(next.conditional) << "a conflict is the answer";
  EXPECT_NE(next.body.find(R"("uid":"u","resourceVersion":"7")"), std::string::npos) << next.body;
}

TEST(Parent, IsTakenAwayAsItWasSeen) {
  const kube::Call call = parent_removal(testing::kShop, {"u", "7"});
  EXPECT_EQ(call.verb, Verb::kDelete);
  EXPECT_EQ(call.about(), "Secret cnpg-dbm-shop in namespace prod");
  EXPECT_NE(call.body.find(R"("preconditions":{"uid":"u","resourceVersion":"7"})"), std::string::npos);
}

TEST(CallOf, AppliesStrictly) {
  const testing::WantedObject wanted(testing::kClusterKind, "main", R"("spec":{"a":1})");
  const kube::Call call = call_of({Action::kCreate, &wanted.object, nullptr}, {});
  EXPECT_EQ(call.verb, Verb::kPatch);
  EXPECT_EQ(call.content_type, kube::kApplyPatch);
  EXPECT_EQ(call.query, "?fieldManager=cnpg-dbm&force=false&fieldValidation=Strict");
  EXPECT_EQ(call.body, wanted.text);
  EXPECT_EQ(call.about(), "Cluster main in namespace prod");
  const kube::Call tried = call_of({Action::kChange, &wanted.object, nullptr}, {.force = true, .dry_run = true});
  EXPECT_EQ(tried.query, "?fieldManager=cnpg-dbm&force=true&fieldValidation=Strict&dryRun=All");
}

TEST(CallOf, MakesPasswordsByPost) {
  testing::WantedObject wanted(testing::kSecretKind, "s", kPassword);
  wanted.object.made = Made::kOnce;
  const kube::Call call = call_of({Action::kCreate, &wanted.object, nullptr}, {.force = true});
  EXPECT_EQ(call.verb, Verb::kCreate) << "of two who make one the first wins";
  EXPECT_EQ(call.content_type, "application/json");
  EXPECT_EQ(call.query, "?fieldManager=cnpg-dbm&fieldValidation=Strict");
  EXPECT_EQ(call.body, wanted.text);
  EXPECT_EQ(call_of({Action::kCreate, &wanted.object, nullptr}, {.dry_run = true}).query, "?fieldManager=cnpg-dbm&fieldValidation=Strict&dryRun=All");
}

TEST(CallOf, NeverWritesAPasswordAgain) {
  testing::WantedObject wanted(testing::kSecretKind, "s", kPassword);
  wanted.object.made = Made::kOnce;
  const testing::LiveJson made(testing::kSecretKind, "s", kPassword);
  const kube::Call call = call_of({Action::kChange, &wanted.object, &made.object}, {});
  EXPECT_EQ(call.verb, Verb::kPatch);
  EXPECT_EQ(call.body.find("c2VjcmV0"), std::string::npos);
  EXPECT_NE(call.body.find("YQ=="), std::string::npos);
  EXPECT_NE(wanted.object.value.find_path({"data", "password"}), nullptr) << "the object itself keeps it";
  const testing::LiveJson applied(testing::kSecretKind, "s", kPassword,
                                  R"("managedFields":[{"manager":"cnpg-dbm","operation":"Apply","fieldsV1":{"f:data":{"f:password":{}}}}])");
  EXPECT_EQ(call_of({Action::kChange, &wanted.object, &applied.object}, {}).body, wanted.text) << "derived before: it would go";
}

// ---- a whole plan ----

class WritePlan : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kube::load_libcurl() == nullptr) GTEST_SKIP() << "no libcurl.so.4 here";
  }
  /// Writes the steps; every object in `refused` gets a 422. What was sent: "PATCH new", "DELETE old", in order.
  Outcome write_steps(std::vector<Step> steps, const std::set<std::string>& refused = {}) {
    const auto name_of = [](const dbm::testing::HttpRequest& request) {
      const std::string path = request.target.substr(0, request.target.find('?'));
      return path.substr(path.rfind('/') + 1);
    };
    const dbm::testing::HttpPeer server([&](const dbm::testing::HttpRequest& request) {
      return refused.contains(name_of(request)) ? dbm::testing::http_refusal(422, "Invalid") : dbm::testing::http_answer(200);
    });
    kube::Config config;
    config.server = server.url();
    const auto client = kube::Client::open(config);
    EXPECT_TRUE(client.ok());
    (*client)->set_deadline(kube::Client::Clock::now() + std::chrono::seconds(20));
    Plan plan;
    plan.steps = std::move(steps);
    Outcome out = write(**client, testing::kShop, plan, {});
    for (const auto& request : server.requests()) sent_.push_back(request.method + " " + name_of(request));
    return out;
  }
  const kube::testing::Environment no_proxies_{kube::testing::no_proxies()};
  const testing::WantedObject new_{testing::kDatabaseKind, "new", R"("spec":{})"};
  const testing::LiveJson old_{testing::kDatabaseKind, "old", ""}, freed_{testing::kSecretKind, "freed", ""};
  const std::vector<Step> steps_{{Action::kCreate, &new_.object, nullptr}, {Action::kPrune, nullptr, &old_.object},
                                 {Action::kRelease, nullptr, &freed_.object}};
  std::vector<std::string> sent_;
};

TEST_F(WritePlan, RemovesWhenAllIsWritten) {
  const Outcome outcome = write_steps(steps_);
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_EQ(outcome.done.size(), 3u);
  EXPECT_THAT(sent_, ::testing::ElementsAre("PATCH new", "DELETE old", "PATCH freed"));
}

TEST_F(WritePlan, RemovesNothingWhenSomethingCouldNotBeWritten) {
  const Outcome outcome = write_steps(steps_, {"new"});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].object, "Database new");
  EXPECT_THAT(sent_, ::testing::ElementsAre("PATCH new")) << "what comes instead of the old one is not there";
}

TEST_F(WritePlan, RemovesNoMoreWhenSomethingCouldNotBeRemoved) {
  EXPECT_EQ(write_steps(steps_, {"old"}).failures.size(), 1u);
  EXPECT_THAT(sent_, ::testing::ElementsAre("PATCH new", "DELETE old"));
}

TEST_F(WritePlan, WritesNothingOfAClusterThatWasRefused) {
  testing::WantedObject cluster(testing::kClusterKind, "main", R"("spec":{})"), database(testing::kDatabaseKind, "inside", R"("spec":{})");
  database.object.cluster = "main";
  const Outcome outcome = write_steps({{Action::kCreate, &cluster.object, nullptr}, {Action::kCreate, &database.object, nullptr}}, {"main"});
  EXPECT_EQ(outcome.skipped, 1u);
  EXPECT_THAT(sent_, ::testing::ElementsAre("PATCH main"));
}

}  // namespace
}  // namespace dbm::release
