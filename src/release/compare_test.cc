#include "release/compare.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <zlib.h>

#include "cnpg/crd_table.h"
#include "release/testing.h"
#include "yaml/at.h"
#include "yaml/random_tree.h"
#include "yaml/reader.h"
#include "yaml/writer.h"

namespace dbm::release {
namespace {

using testing::Json;
using yaml::Value;

/// "+.spec.a ~.spec.b -.spec.c =.spec.d": added, changed, removed, becomes ours.
std::string said(const std::vector<FieldChange>& changes) {
  std::string out;
  for (const FieldChange& change : changes) {
    out += out.empty() ? "" : " ";
    out += "+~-="[static_cast<int>(change.change)];
    out += change.path + (change.secret ? "!" : "");
  }
  return out;
}

std::string entry(std::string_view manager, std::string_view operation, std::string_view fields, std::string_view more = "") {
  return fmt::format(R"({{"manager":"{}","operation":"{}","fieldsV1":{}{}}})", manager, operation, fields, more);
}
std::string managed(std::string_view entries) { return fmt::format(R"("managedFields":[{}])", entries); }

/// Specs of one Cluster: applying `desired` over `live`, where `owned` of it is ours.
std::string compared(std::string_view desired, std::string_view live, std::string_view owned) {
  const Json wanted(testing::object_json(testing::kClusterKind, "main", fmt::format(R"("spec":{})", desired)));
  const Json there(testing::object_json(testing::kClusterKind, "main", fmt::format(R"("spec":{},"status":{{"phase":"x"}})", live),
                                        managed(entry("cnpg-dbm", "Apply", fmt::format(R"({{"f:spec":{}}})", owned)))));
  const auto changes = compare(wanted.tree, there.tree, "cnpg-dbm");
  EXPECT_EQ(differs(wanted.tree, there.tree, "cnpg-dbm"), !changes.empty());
  return said(changes);
}

TEST(Compare, FindsWhatApplyingWouldChange) {
  const std::string_view ours = R"({"f:a":{},"f:m":{"f:b":{}}})";
  EXPECT_EQ(compared(R"({"a":1,"m":{"b":"x"}})", R"({"a":1,"m":{"b":"x"}})", ours), "");
  EXPECT_EQ(compared(R"({"a":2,"m":{"b":"x"}})", R"({"a":1,"m":{"b":"x"}})", ours), "~.spec.a");
  EXPECT_EQ(compared(R"({"a":1,"m":{"b":"x","c":[1]}})", R"({"a":1,"m":{"b":"x"}})", ours), "+.spec.m.c");
  EXPECT_EQ(compared(R"({"a":"1","m":{"b":"x"}})", R"({"a":1,"m":{"b":"x"}})", ours), "~.spec.a") << "another type";
  EXPECT_EQ(compared(R"({"a":{"b":1},"m":{"b":"x"}})", R"({"a":1,"m":{"b":"x"}})", ours), "~.spec.a");
}

TEST(Compare, TwoSpellingsOfAQuantity) {
  const std::string_view ours = R"({"f:resources":{"f:requests":{"f:memory":{},"f:cpu":{}},"f:limits":{"f:memory":{}}}})";
  const std::string_view live = R"({"resources":{"requests":{"memory":"1Gi","cpu":"2"},"limits":{"memory":"1500Mi"}}})";
  EXPECT_EQ(compared(R"({"resources":{"requests":{"memory":"1024Mi","cpu":2},"limits":{"memory":"1572864Ki"}}})", live, ours),
            "~.spec.resources.limits.memory");
  EXPECT_EQ(compared(R"({"resources":{"requests":{"memory":"1073741824","cpu":"2000m"},"limits":{"memory":"1500Mi"}}})", live, ours), "");
  const std::string_view atomic = R"({"f:l":{}})";
  EXPECT_EQ(compared(R"({"l":[{"resources":{"requests":{"storage":"1024Mi"}}}]})", R"({"l":[{"resources":{"requests":{"storage":"1Gi"}}}]})", atomic), "");
}

/// The last two keys of every quantity of a type, as {"requests":{"*":"…"}} has them.
void find_quantities(const cnpg::Type& type, const std::string& above, const std::string& key, std::set<std::pair<std::string, std::string>>& out) {
  if (type.kind == cnpg::Kind::kQuantity) out.emplace(above, key);
  if (type.kind == cnpg::Kind::kList) find_quantities(cnpg::element(type), above, key, out);
  if (type.kind == cnpg::Kind::kMap) find_quantities(cnpg::element(type), key, "cpu", out);
  for (const cnpg::Field& field : cnpg::fields(type)) find_quantities(cnpg::type_of(field), key, std::string(field.name), out);
}

TEST(Compare, KnowsEveryQuantityOfTheDefinitions) {
  std::set<std::pair<std::string, std::string>> quantities;
  for (const char* path : {"Cluster.spec", "Pooler.spec", "Database.spec", "ObjectStore.spec"})
    if (const cnpg::Type* type = cnpg::find(path)) find_quantities(*type, "", "spec", quantities);
  EXPECT_GT(quantities.size(), 4u);
  for (const auto& [above, key] : quantities) {
    const auto spec = [&](std::string_view value) { return fmt::format(R"({{"{}":{{"{}":"{}"}}}})", above, key, value); };
    EXPECT_EQ(compared(spec("1024Mi"), spec("1Gi"), fmt::format(R"({{"f:{}":{{"f:{}":{{}}}}}})", above, key)), "") << above << "." << key;
  }
}

TEST(Compare, VersionsAndTextsAreNoQuantities) {
  const std::string_view ours = R"({"f:version":{},"f:number":{}})";
  EXPECT_EQ(compared(R"({"version":"1.10"})", R"({"version":"1.1"})", ours), "~.spec.version");
  EXPECT_EQ(compared(R"({"version":"1024"})", R"({"version":"1Ki"})", ours), "~.spec.version");
  EXPECT_EQ(compared(R"({"number":9007199254740993})", R"({"number":9007199254740992})", ours), "~.spec.number");
  EXPECT_EQ(compared(R"({"number":1.0})", R"({"number":1})", ours), "");
}

TEST(Compare, TakesAwayOurFieldsOnly) {
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":1,"b":2,"theirs":3})", R"({"f:a":{},"f:b":{}})"), "-.spec.b");
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":1,"m":{"ours":1,"theirs":2}})", R"({"f:a":{},"f:m":{".":{},"f:ours":{}}})"), "-.spec.m.ours");
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":1})", R"({"f:a":{},"f:gone":{}})"), "") << "gone already";
  EXPECT_EQ(compared(R"({"m":{}})", R"({"m":{"ours":1,"theirs":2}})", R"({"f:m":{"f:ours":{}}})"), "-.spec.m.ours") << "emptied";
  EXPECT_EQ(compared(R"({"m":{}})", R"({"m":{"theirs":2}})", R"({"f:m":{}})"), "~.spec.m") << "perhaps atomic: the server knows";
}

TEST(Compare, FieldsOfOthersWithTheSameValueBecomeOurs) {
  EXPECT_EQ(compared(R"({"a":1,"b":2})", R"({"a":1,"b":2})", R"({"f:a":{}})"), "=.spec.b");
  EXPECT_EQ(compared(R"({"m":{"a":1,"b":2}})", R"({"m":{"a":1,"b":2}})", R"({"f:m":{"f:a":{}}})"), "=.spec.m.b");
}

TEST(Compare, AtomicMapsAndListsAreOneValue) {
  EXPECT_EQ(compared(R"({"m":{"a":"1"}})", R"({"m":{"a":"1","b":"2"}})", R"({"f:m":{}})"), "~.spec.m");
  EXPECT_EQ(compared(R"({"l":["a","b"]})", R"({"l":["a","b"]})", R"({"f:l":{}})"), "");
  EXPECT_EQ(compared(R"({"l":["b","a"]})", R"({"l":["a","b"]})", R"({"f:l":{}})"), "~.spec.l");
  EXPECT_EQ(compared(R"({"l":["a"]})", R"({"l":["a","b"]})", R"({"f:l":{}})"), "~.spec.l");
}

TEST(Compare, DefaultsInsideAListThatIsOneValue) {
  constexpr const char* kRoles = R"({"f:managed":{"f:roles":{}}})";
  const char* desired = R"({"managed":{"roles":[{"name":"a","login":true}]}})";
  EXPECT_EQ("", compared(
      desired, R"({"managed":{"roles":[{"name":"a","login":true,"connectionLimit":-1,"ensure":"present","inherit":true}]}})", kRoles));
  EXPECT_NE("", compared(desired, R"({"managed":{"roles":[{"name":"a","login":true,"superuser":true}]}})", kRoles))
      << "a key that was taken out of the file";
  EXPECT_NE("", compared(desired, R"({"managed":{"roles":[{"name":"a","login":true,"connectionLimit":5}]}})", kRoles));
  EXPECT_NE("", compared(desired, R"({"managed":{"roles":[{"name":"a","login":true,"ensure":"absent"}]}})", kRoles));
  EXPECT_NE("", compared(desired, R"({"managed":{"roles":[{"name":"a"}]}})", kRoles));
  EXPECT_NE("", compared(desired, R"({"managed":{"roles":[{"name":"a","login":true},{"name":"b"}]}})", kRoles));
}

/// The text of a file that gzip made.
std::string unzipped(const std::string& path) {
  std::string out;
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return out;
  char piece[65536];
  for (int got = 0; (got = gzread(file, piece, sizeof piece)) > 0;) out.append(piece, static_cast<size_t>(got));
  gzclose(file);
  return out;
}

/// A default of the definitions: the key that holds it, the key of the map it is in, its JSON.
using Default = std::tuple<std::string, std::string, std::string>;

/// Those within values that are applied as a whole: there the server writes them, and nobody owns them.
void find_defaults(const Value& schema, const std::string& of, bool whole, std::set<Default>& out) {
  const auto is_atomic = [&](std::string_view key) { return text_at(schema, {key}) == "atomic"; };
  if (const Value* items = schema.find("items"))
    find_defaults(*items, of, whole || text_at(schema, {"x-kubernetes-list-type"}).empty() || is_atomic("x-kubernetes-list-type"), out);
  whole = whole || is_atomic("x-kubernetes-map-type");
  const Value* properties = schema.find("properties");
  if (properties == nullptr || !properties->is_map()) return;
  for (const yaml::Member& property : properties->members()) {
    if (const Value* value = property.value.find("default"); whole && value != nullptr) {
      std::string json;
      yaml::write_json(json, *value);
      out.emplace(of, property.key, json);
    }
    find_defaults(property.value, std::string(property.key), whole, out);
  }
}

TEST(Compare, KnowsEveryDefaultOfTheDefinitionsInsideAWholeValue) {
  std::set<Default> defaults;
  for (const char* name : {"cnpg-1.30.0-crds", "barmancloud.cnpg.io_objectstores"}) {
    Sources sources;
    yaml::Arena arena;
    Diagnostics diagnostics;
    const uint16_t source = sources.add(name, unzipped(fmt::format("{}/tools/crdgen/data/{}.yaml.gz", DBM_SOURCE_DIR, name)));
    for (const Value& definition : yaml::read_all(arena, sources, source, diagnostics)) {
      const Value* versions = definition.find_path({"spec", "versions"});
      ASSERT_NE(versions, nullptr);
      for (const Value& version : versions->items())
        if (const Value* spec = version.find_path({"schema", "openAPIV3Schema", "properties", "spec"}))
          find_defaults(*spec, "spec", false, defaults);
    }
    EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.sorted()[0].message;
  }
  EXPECT_GT(defaults.size(), 20u);
  for (const auto& [of, key, json] : defaults) {
    const std::string live = fmt::format(R"({{"whole":[{{"{}":{{"own":1,"{}":{}}}}}]}})", of, key, json);
    EXPECT_EQ(compared(fmt::format(R"({{"whole":[{{"{}":{{"own":1}}}}]}})", of), live, R"({"f:whole":{}})"), "")
        << of << "." << key << " is " << json << " by default: it would be changed by every apply";
  }
}

TEST(Compare, DefaultsOfOneListAreNotThoseOfAnother) {
  EXPECT_NE("", compared(R"({"other":[{"name":"a"}]})", R"({"other":[{"name":"a","inherit":true}]})", R"({"f:other":{}})"));
}

TEST(Compare, ItemsOfListsByTheirKeys) {
  const std::string_view two = R"({"l":[{"name":"a","x":1},{"name":"b","x":2}]})";
  const std::string_view ours = R"({"f:l":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:x":{}}}})";
  EXPECT_EQ(compared(R"({"l":[{"name":"a","x":1}]})", two, ours), "") << "b is somebody else's";
  EXPECT_EQ(compared(R"({"l":[{"name":"a","x":3}]})", two, ours), "~.spec.l[name=a].x");
  EXPECT_EQ(compared(R"({"l":[{"name":"b","x":2}]})", two, ours), "-.spec.l[name=a] ~.spec.l") << "and b becomes ours";
  const std::string_view both = R"({"f:l":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:x":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{},"f:x":{}}}})";
  EXPECT_EQ(compared(R"({"l":[{"name":"b","x":2},{"name":"a","x":1}]})", two, both), "") << "their order says nothing";
  EXPECT_EQ(compared(R"({"l":[{"name":"a","x":1},{"name":"b","x":2},{"name":"c"}]})", two, both), "~.spec.l");
  EXPECT_EQ(compared(R"({"l":[{"name":"a"},{"name":"b","x":2}]})", two, both), "-.spec.l[name=a].x");
  EXPECT_EQ(compared(R"({"l":[{"name":"a","x":1},{"name":"b","x":2}]})", R"({"l":[{"name":"b","x":2}]})", both), "+.spec.l[name=a]");
}

TEST(Compare, ItemsOfListsByMoreThanOneKey) {
  const std::string_view ours = R"({"f:p":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{}}}})";
  const std::string_view live = R"({"p":[{"port":80,"protocol":"UDP"},{"port":80,"protocol":"TCP"}]})";
  EXPECT_EQ(compared(R"({"p":[{"port":80,"protocol":"TCP"}]})", live, ours), "");
  EXPECT_EQ(compared(R"({"p":[{"port":81,"protocol":"TCP"}]})", live, ours), "-.spec.p[port=80,protocol=TCP] ~.spec.p");
}

TEST(Compare, SetsByTheirItems) {
  const std::string_view ours = R"({"f:s":{"v:\"a\"":{},"v:\"b\"":{}}})";
  EXPECT_EQ(compared(R"({"s":["b","a"]})", R"({"s":["a","b","theirs"]})", ours), "");
  EXPECT_EQ(compared(R"({"s":["a"]})", R"({"s":["a","b","theirs"]})", ours), "-.spec.s[b]");
  EXPECT_EQ(compared(R"({"s":["a","b","c"]})", R"({"s":["a","b"]})", ours), "~.spec.s");
  EXPECT_EQ(compared(R"({"s":["a","b"]})", R"({"s":["a"]})", ours), "+.spec.s[b]");
}

TEST(Compare, MetadataIsLabelsAnnotationsAndOwners) {
  const Json wanted(testing::object_json(testing::kSecretKind, "s", "", R"("labels":{"a":"1","new":"2"},"generation":1)"));
  const Json there(testing::object_json(
      testing::kSecretKind, "s", "",
      R"("uid":"u","resourceVersion":"7","labels":{"a":"1","b":"2","theirs":"3"},"annotations":{"x":"y"},)" +
          managed(entry("cnpg-dbm", "Apply", R"({"f:metadata":{"f:labels":{"f:a":{},"f:b":{}},"f:annotations":{"f:x":{}}}})"))));
  EXPECT_EQ(said(compare(wanted.tree, there.tree, "cnpg-dbm")), "+.metadata.labels.new -.metadata.labels.b -.metadata.annotations.x");
}

TEST(Compare, TheVersionLabelOf010AloneIsNoChange) {
  const auto said_of = [](std::string_view labels, std::string_view owned) {
    const Json wanted(testing::object_json(testing::kClusterKind, "main", R"("spec":{"a":1})", R"("labels":{"x":"1"})"));
    const Json there(testing::object_json(
        testing::kClusterKind, "main", R"("spec":{"a":1})",
        fmt::format(R"("labels":{},{})", labels, managed(entry("cnpg-dbm", "Apply", fmt::format(
            R"({{"f:metadata":{{"f:labels":{}}},"f:spec":{{"f:a":{{}}}}}})", owned))))));
    const auto changes = compare(wanted.tree, there.tree, "cnpg-dbm");
    EXPECT_EQ(differs(wanted.tree, there.tree, "cnpg-dbm"), !changes.empty());
    return said(changes);
  };
  const std::string_view both = R"({"f:x":{},"f:app.kubernetes.io/version":{}})";
  EXPECT_EQ(said_of(R"({"x":"1","app.kubernetes.io/version":"0.1.0"})", both), "") << "a new program writes no object for it";
  EXPECT_EQ(said_of(R"({"x":"1","app.kubernetes.io/version":"7.0"})", both), "-.metadata.labels.app.kubernetes.io/version")
      << "somebody's own, or Helm's chart's";
}

TEST(AppliedFields, AreThoseOfOurApplyElseOfWhatWeMade) {
  const auto fields = [](const std::string& entries) {
    const Json live(testing::object_json(testing::kSecretKind, "s", "", managed(entries)));
    const Value* found = applied_fields(live.tree, "cnpg-dbm");
    std::string out;
    if (found != nullptr) yaml::write_json(out, *found);
    return out;
  };
  EXPECT_EQ(fields(entry("cnpg-dbm", "Update", R"({"f:a":{}})")), R"({"f:a":{}})");
  EXPECT_EQ(fields(entry("cnpg-dbm", "Update", R"({"f:a":{}})") + "," + entry("cnpg-dbm", "Apply", R"({"f:b":{}})")), R"({"f:b":{}})");
  EXPECT_EQ(fields(entry("helm", "Apply", R"({"f:a":{}})")), "");
  EXPECT_EQ(fields(entry("cnpg-dbm", "Apply", R"({"f:status":{}})", R"(,"subresource":"status")")), "");
  EXPECT_EQ(applied_fields(Json("{}").tree, "cnpg-dbm"), nullptr);
}

TEST(Compare, WhatWasNeverAppliedBecomesOurs) {
  const Json wanted(testing::object_json(testing::kSecretKind, "s", R"("type":"Opaque")", R"("labels":{"a":"1"})"));
  const Json there(testing::object_json(testing::kSecretKind, "s", R"("type":"Opaque")", R"("labels":{"a":"1"})"));
  EXPECT_EQ(said(compare(wanted.tree, there.tree, "cnpg-dbm")), "=.type =.metadata.labels.a");
}

TEST(Compare, AMadeOnceSecretIsOursByItsMaking) {
  const std::string rest = R"("type":"kubernetes.io/basic-auth","data":{"username":"YQ==","password":"Yg=="})";
  const Json wanted(testing::object_json(testing::kSecretKind, "s", rest));
  const Json there(testing::object_json(testing::kSecretKind, "s", rest, managed(entry("cnpg-dbm", "Update",
      R"({"f:data":{".":{},"f:password":{},"f:username":{}},"f:type":{}})"))));
  EXPECT_EQ(said(compare(wanted.tree, there.tree, "cnpg-dbm")), "");
}

TEST(Compare, MarksSecrets) {
  const Json wanted(testing::object_json(testing::kSecretKind, "s", R"("stringData":{"a":"hunter2"},"type":"x")"));
  const Json there(testing::object_json(testing::kSecretKind, "s", R"("type":"y")"));
  EXPECT_EQ(said(compare(wanted.tree, there.tree, "cnpg-dbm")), "+.stringData! ~.type");
  EXPECT_EQ(said(all_added(wanted.tree)), "+.stringData.a! +.type");
  EXPECT_EQ(said(all_added(Json(R"({"kind":"Cluster","spec":{"password":"x","passwordSecret":{"name":"y"}}})").tree)),
            "+.spec.password! +.spec.passwordSecret.name");
}

TEST(Compare, MarksTextsThatAreCalledLikeCredentials) {
  const auto marks = [](std::string_view spec) {
    return said(all_added(Json(fmt::format(R"({{"kind":"ConfigMap","data":{}}})", spec)).tree));
  };
  EXPECT_EQ(marks(R"({"token":"x"})"), "+.data.token!");
  EXPECT_EQ(marks(R"({"API_TOKEN":"x"})"), "+.data.API_TOKEN!");
  EXPECT_EQ(marks(R"({"sslkey":"x"})"), "+.data.sslkey!");
  EXPECT_EQ(marks(R"({"aws-secret-access-key":"x"})"), "+.data.aws-secret-access-key!");
  EXPECT_EQ(marks(R"({"credentials":"x"})"), "+.data.credentials!");
  EXPECT_EQ(marks(R"({"client_secret":"x","sslcert":"y"})"), "+.data.client_secret! +.data.sslcert");
  EXPECT_EQ(marks(R"({"token":{"name":"s","key":"token"}})"), "+.data.token.name +.data.token.key") << "where it is, not what it is";
  EXPECT_EQ(marks(R"({"automountServiceAccountToken":false})"), "+.data.automountServiceAccountToken");
  const Json wanted(testing::object_json(testing::kClusterKind, "main", R"("spec":{"a":[{"name":"x","p":{"sslkey":"y"}}]})"));
  const Json there(testing::object_json(testing::kClusterKind, "main", R"("spec":{})"));
  EXPECT_EQ(said(compare(wanted.tree, there.tree, "cnpg-dbm")), "+.spec.a!") << "a value that is shown as a whole";
}

TEST(CompareLive, LeavesOutWhatTheServerKeepsForItself) {
  const auto compared_live = [](std::string_view before, std::string_view after) {
    const Json a(testing::object_json(testing::kClusterKind, "m", before, R"("resourceVersion":"1","generation":1)"));
    const Json b(testing::object_json(testing::kClusterKind, "m", after, R"("resourceVersion":"2","generation":2)"));
    return said(compare_live(a.tree, b.tree));
  };
  EXPECT_EQ(compared_live(R"("spec":{"a":1},"status":{"x":1})", R"("spec":{"a":1},"status":{"x":2})"), "");
  EXPECT_EQ(compared_live(R"("spec":{"a":1,"b":{"c":1}})", R"("spec":{"a":2,"d":{"e":1}})"), "~.spec.a +.spec.d.e -.spec.b.c");
  EXPECT_EQ(compared_live(R"("spec":{"l":[{"name":"a","x":1},{"name":"b"}]})", R"("spec":{"l":[{"name":"c"},{"name":"a","x":2}]})"),
            "+.spec.l[name=c].name ~.spec.l[name=a].x -.spec.l[name=b].name");
  EXPECT_EQ(compared_live(R"("spec":{"l":[{"name":"a","x":1},{"name":"a","x":2}]})", R"("spec":{"l":[{"name":"a","x":1},{"name":"a","x":2}]})"), "")
      << "names that do not tell them apart";
  EXPECT_EQ(compared_live(R"("spec":{"l":["a","b"]})", R"("spec":{"l":["a","c","d"]})"), "~.spec.l[1] +.spec.l[2]");
}

// Any object, and what a server would say of it that was empty before: every field ours, maps field
// by field, lists of named items by their names, other lists as a whole.

bool is_keyed(const Value& list) {
  return list.size() > 0 && std::ranges::all_of(list.items(), [](const Value& item) { return item.find("name") != nullptr; });
}

Value fields_of(yaml::Arena& arena, const Value& value) {
  Value out = Value::map(arena);
  for (const yaml::Member& m : value.members()) out.append(arena, arena.concat({"f:", m.key}), fields_of(arena, m.value));
  if (!value.is_list() || !is_keyed(value)) return out;
  for (const Value& item : value.items()) {
    std::string name;
    yaml::write_json(name, *item.find("name"));
    Value fields = fields_of(arena, item);
    fields.append(arena, ".", Value::map(arena));
    out.append(arena, arena.concat({"k:{\"name\":", name, "}"}), fields);
  }
  return out;
}

Value random_spec(yaml::Arena& arena) {
  Value out = Value::map(arena);
  out.append(arena, "any", yaml::testing::random_tree(arena));
  Value list = Value::list(arena);
  for (const char* name : {"one", "two"}) {
    Value item = Value::map(arena);
    item.append(arena, "name", Value::string(name));
    item.append(arena, "any", yaml::testing::random_tree(arena));
    list.push(arena, item);
  }
  out.append(arena, "named", list);
  return out;
}

Value object_of(yaml::Arena& arena, const Value& spec, const Value* fields) {
  Value metadata = Value::map(arena);
  metadata.append(arena, "name", Value::string("x"));
  if (fields != nullptr) {
    Value ours = Value::map(arena), whole = Value::map(arena), entries = Value::list(arena);
    whole.append(arena, "f:spec", *fields);
    ours.append(arena, "manager", Value::string("cnpg-dbm"));
    ours.append(arena, "operation", Value::string("Apply"));
    ours.append(arena, "fieldsV1", whole);
    entries.push(arena, ours);
    metadata.append(arena, "managedFields", entries);
  }
  Value out = Value::map(arena);
  out.append(arena, "kind", Value::string("Any"));
  out.append(arena, "metadata", metadata);
  out.append(arena, "spec", spec);
  return out;
}

/// A copy whose leaf number `n` is another one; how many leaves there are is taken from n.
Value change_leaf(yaml::Arena& arena, const Value& value, int& n) {
  if (value.size() == 0) return n-- == 0 ? Value::string("another value") : value;
  Value out = value.is_map() ? Value::map(arena) : Value::list(arena);
  for (const yaml::Member& m : value.members()) out.append(arena, yaml::Key(m.key), change_leaf(arena, m.value, n));
  for (const Value& item : value.items()) out.push(arena, change_leaf(arena, item, n));
  return out;
}

TEST(Compare, WhatWasAppliedIsTheSame) {
  EXPECT_TRUE(rc::check([] {
    yaml::Arena arena;
    const Value spec = random_spec(arena), fields = fields_of(arena, spec);
    const Value desired = object_of(arena, spec, nullptr), live = object_of(arena, yaml::copy(arena, spec), &fields);
    RC_ASSERT(said(compare(desired, live, "cnpg-dbm")) == "");
    RC_ASSERT(said(compare_live(desired, live)) == "");
  }));
}

TEST(Compare, AnyOtherLeafIsFound) {
  EXPECT_TRUE(rc::check([] {
    yaml::Arena arena;
    const Value spec = random_spec(arena), fields = fields_of(arena, spec);
    int leaves = 0;
    change_leaf(arena, spec, leaves);
    int n = *rc::gen::inRange(0, -leaves);
    const Value other = change_leaf(arena, spec, n);
    const Value live = object_of(arena, spec, &fields);
    RC_ASSERT(differs(object_of(arena, other, nullptr), live, "cnpg-dbm"));
    RC_ASSERT(!compare_live(live, object_of(arena, other, nullptr)).empty());
  }));
}

}  // namespace
}  // namespace dbm::release
