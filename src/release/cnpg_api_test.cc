#include "release/cnpg_api.h"

#include "release/testing.h"

namespace dbm::release {
namespace {

using yaml::Value;

/// A type's fields of that version, as OpenAPI writes them.
Value schema_of(yaml::Arena& arena, const cnpg::Type& type, cnpg::Version version, int depth) {
  Value properties = Value::map(arena), out = Value::map(arena);
  for (const cnpg::Field& field : cnpg::fields(type))
    if (field.in(version) && depth > 0) properties.set(arena, field.name, schema_of(arena, cnpg::type_of(field), version, depth - 1));
  out.append(arena, "properties", properties);
  return out;
}

TEST(CnpgApi, EveryVersionIsKnownByItsFields) {
  for (int i = 0; i <= static_cast<int>(cnpg::kLatest); ++i) {
    const auto version = static_cast<cnpg::Version>(i);
    yaml::Arena arena;
    Value schemas = Value::map(arena);
    for (const char* kind : {"Cluster", "Database", "Pooler"}) {
      Value properties = Value::map(arena), schema = Value::map(arena);
      properties.append(arena, "spec", schema_of(arena, *cnpg::find(std::string(kind) + ".spec"), version, 2));
      schema.append(arena, "properties", properties);
      schemas.append(arena, arena.concat({"io.cnpg.postgresql.v1.", kind}), schema);
    }
    Value components = Value::map(arena), openapi = Value::map(arena);
    components.append(arena, "schemas", schemas);
    openapi.append(arena, "components", components);
    EXPECT_EQ(version_of(openapi), version) << cnpg::to_string(version);
  }
}

TEST(CnpgApi, OtherDocumentsAreOfNone) {
  EXPECT_EQ(version_of(testing::Json("{}").tree), std::nullopt);
  EXPECT_EQ(version_of(testing::Json(R"({"components":{"schemas":{"io.x.v1.Cluster":{"properties":{"status":{}}}}}})").tree), std::nullopt);
  EXPECT_EQ(version_of(testing::Json(R"({"components":{"schemas":{"io.x.v1.Cluster":{"properties":{"spec":{"properties":{"instances":{}}}}}}}})").tree),
            cnpg::Version::k1_25);
}

}  // namespace
}  // namespace dbm::release
