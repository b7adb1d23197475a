#pragma once

// For tests: objects as JSON, live ones with what is ours of them.

#include <deque>
#include <map>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kube/json.h"
#include "release/live.h"
#include "release/wanted.h"

namespace dbm::release::testing {

inline const Release kShop{"shop", "prod", "applyset-shop"};

/// A text that was read, with everything that must outlive its tree.
struct Json {
  explicit Json(std::string t) : text(std::move(t)) {
    const auto read = kube::read_json(arena, text);
    EXPECT_TRUE(read.ok()) << text;
    if (read.ok()) tree = *read;
  }
  std::string text;
  yaml::Arena arena{1024};
  yaml::Value tree;
};

/// By "Cluster.postgresql.cnpg.io"; lives for ever.
inline const kube::Resource& resource(std::string_view group_kind) {
  static std::map<std::string, kube::Resource, std::less<>> known;
  const auto found = known.find(group_kind);
  return found != known.end() ? found->second : known.emplace(group_kind, kube::well_known_group_kind(group_kind).value()).first->second;
}

inline constexpr std::string_view kClusterKind = "Cluster.postgresql.cnpg.io", kDatabaseKind = "Database.postgresql.cnpg.io",
                                  kPoolerKind = "Pooler.postgresql.cnpg.io", kSecretKind = "Secret";

/// One object's JSON: `rest` are its other members ("spec": …), `metadata` more of its metadata.
inline std::string object_json(std::string_view group_kind, std::string_view name, std::string_view rest, std::string_view metadata = "",
                               std::string_view ns = "prod") {
  const kube::Resource& r = resource(group_kind);
  return fmt::format(R"({{"apiVersion":"{}","kind":"{}","metadata":{{"name":"{}","namespace":"{}"{}{}}}{}{}}})", r.api_version(), r.kind,
                     name, ns, metadata.empty() ? "" : ",", metadata, rest.empty() ? "" : ",", rest);
}

/// An object of the file, and one of the server, with what they stand in.
struct WantedObject : Json {
  WantedObject(std::string_view group_kind, std::string_view name, std::string_view rest, std::string_view metadata = "",
               std::string_view ns = "prod")
      : Json(object_json(group_kind, name, rest, metadata, ns)) {
    object.resource = &resource(group_kind);
    object.value = tree;
    object.ns = tree.find_path({"metadata", "namespace"})->text();
    object.name = tree.find_path({"metadata", "name"})->text();
    object.group_kind = group_kind;
    object.stage = stage_of(*object.resource);
    if (group_kind == kClusterKind) object.cluster = object.name;
  }
  Object object;
};

struct LiveJson : Json {
  LiveJson(std::string_view group_kind, std::string_view name, std::string_view rest, std::string_view metadata = "")
      : Json(object_json(group_kind, name, rest, metadata)) {
    object.resource = &resource(group_kind);
    object.value = tree;
    object.group_kind = group_kind;
    object.ns = "prod";
    object.name = tree.find_path({"metadata", "name"})->text();
    object.member = true;
  }
  LiveObject object;
};

}  // namespace dbm::release::testing
