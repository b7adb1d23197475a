// What must hold of every row of the schema, and what is made of the rows.

#include <set>

#include <gtest/gtest.h>

#include "schema/explain.h"
#include "schema/json_schema.h"
#include "spec/keys.h"
#include "spec/testing.h"
#include "yaml/writer.h"

namespace dbm::spec {
namespace {

using schema::Key;
using schema::Record;
using schema::Shape;

const Record& root() { return schema::record_of<Values>(); }

void walk(const Record& record, std::set<std::string_view>& seen, const auto& visit) {
  if (!seen.insert(record.name).second) return;
  for (const Key& key : record.keys) {
    visit(record, key);
    const schema::Type* type = key.type;
    while (type->element != nullptr) type = type->element;
    if (type->shape == Shape::kRecord) walk(type->record(), seen, visit);
  }
}

void each_row(const auto& visit) {
  std::set<std::string_view> seen;
  walk(root(), seen, visit);
  EXPECT_GT(seen.size(), 25u);
}

TEST(Rows, AreWhole) {
  each_row([](const Record& record, const Key& key) {
    EXPECT_TRUE(key.doc.ends_with('.')) << record.name << "." << key.name;
    EXPECT_TRUE(record.doc.ends_with('.')) << record.name;
    EXPECT_EQ(record.find(key.name), &key) << "twice: " << record.name << "." << key.name;
    const std::string_view path = key.options.cnpg;
    EXPECT_TRUE(path.empty() || cnpg::find(path) != nullptr) << path;
  });
}

TEST(Rows, DefaultsAreLegal) {
  each_row([](const Record& record, const Key& key) {
    yaml::Arena arena;
    const yaml::Value value = key.default_value(arena);
    if (value.is_null() || key.type->shape != Shape::kText || key.options.check == nullptr) return;
    Diagnostics diagnostics;
    schema::Decoder decoder(arena, diagnostics, {});
    key.options.check(decoder, value);
    EXPECT_FALSE(diagnostics.has_errors()) << record.name << "." << key.name << ": " << value.text();
  });
}

TEST(Rows, ExamplesAreLegal) {
  each_row([](const Record& record, const Key& key) {
    if (key.options.example.empty() || key.options.check == nullptr) return;
    yaml::Arena arena;
    Diagnostics diagnostics;
    schema::Decoder decoder(arena, diagnostics, {});
    key.options.check(decoder, yaml::Value::string(key.options.example));
    EXPECT_FALSE(diagnostics.has_errors()) << record.name << "." << key.name << ": " << key.options.example;
  });
}

TEST(Rows, AreAllInTheJsonSchema) {
  yaml::Arena arena;
  const yaml::Value json = schema::json_schema(root(), cnpg::kLatest, arena);
  const yaml::Value& defs = *json.find("$defs");
  each_row([&](const Record& record, const Key& key) {
    const yaml::Value& schema = record.name == root().name ? json : *defs.find(record.name);
    const yaml::Value* property = schema.find_path({"properties", key.name});
    ASSERT_NE(property, nullptr) << record.name << "." << key.name;
    EXPECT_EQ(property->find("description")->text(), key.doc);
    const yaml::Value otherwise = key.default_value(arena);
    EXPECT_EQ(property->find("default") != nullptr, !otherwise.is_null()) << key.name;
  });
}

void every_reference(const yaml::Value& value, const yaml::Value& defs) {
  if (const yaml::Value* ref = value.find("$ref")) {
    const std::string_view name = ref->text().substr(std::string_view("#/$defs/").size());
    EXPECT_NE(defs.find(name), nullptr) << ref->text();
  }
  for (const yaml::Member& member : value.members()) every_reference(member.value, defs);
  for (const yaml::Value& item : value.items()) every_reference(item, defs);
}

TEST(Rows, EveryReferenceOfTheJsonSchemaLeadsSomewhere) {
  yaml::Arena arena;
  const yaml::Value json = schema::json_schema(root(), cnpg::Version::k1_25, arena);
  every_reference(json, *json.find("$defs"));
}

TEST(Explain, FollowsPathsWithAndWithoutNames) {
  const auto at = [](const char* path) {
    const auto text = schema::explain(root(), path, cnpg::kLatest);
    return text.ok() ? *text : "error: " + text.error().message + " | " + text.error().hint;
  };
  EXPECT_NE(at("clusters.backup.s3").find("KEY:      clusters.backup.s3"), std::string::npos);
  EXPECT_NE(at("clusters.main.databases[0].name").find("TYPE:     string"), std::string::npos);
  EXPECT_NE(at("clusters.storage.size").find("DEFAULT:  \"50Gi\""), std::string::npos);
  EXPECT_NE(at("clusters.main.additionalClusterSpec.affinity.tolerations").find("tolerationSeconds"), std::string::npos);
  EXPECT_NE(at("clusters.databases.additionalDatabaseSpec").find("since CNPG 1.26"), std::string::npos);
  EXPECT_NE(at("").find("imageCatalogs"), std::string::npos);
  EXPECT_EQ(at("clusters.backups"), "error: there is no key \"clusters.backups\" | did you mean \"backup\"?");
  EXPECT_EQ(at("clusters.main.storage.siz"), "error: there is no key \"clusters.main.storage.siz\" | did you mean \"size\"?");
  EXPECT_NE(at("clusters.additionalClusterSpec.afinity").find("did you mean \"affinity\"?"), std::string::npos);
}

TEST(Explain, MarkdownHasEveryKey) {
  const std::string text = schema::markdown(root());
  each_row([&](const Record&, const Key& key) {
    EXPECT_NE(text.find("| `" + std::string(key.name) + "` |"), std::string::npos) << key.name;
  });
}

}  // namespace
}  // namespace dbm::spec
