// Database objects.

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cnpg/judge.h"

namespace dbm::cnpg {
namespace {

void unique_names(Judge& j, const yaml::Value& owner, std::string_view list,
                  const std::string& path) {
  const yaml::Value* items = owner.find(list);
  if (items == nullptr) return;
  std::set<std::string_view> names;
  for (size_t i = 0; i < items->items().size(); ++i) {
    const std::string_view name = Judge::text(items->items()[i], "name");
    if (!names.insert(name).second)
      j.error("duplicate-item", fmt::format("{}.{}[{}].name", path, list, i),
              fmt::format("two {} are called \"{}\"", list, printable(name)));
  }
}

void foreign_servers(Judge& j) {
  const auto wrappers = j.items("spec.fdws"), servers = j.items("spec.servers");
  for (size_t i = 0; i < servers.size(); ++i) {
    const std::string_view wanted = Judge::text(servers[i], "fdw");
    const bool known = std::ranges::any_of(wrappers, [&](const yaml::Value& w) {
      return Judge::text(w, "name") == wanted;
    });
    if (!known && Judge::text(servers[i], "ensure") != "absent")
      j.error("unknown-fdw", fmt::format("spec.servers[{}].fdw", i),
              fmt::format("no foreign data wrapper is called \"{}\"", printable(wanted)),
              "it is one of fdws[].name");
  }
}

}  // namespace

void judge_database(Judge& j) {
  const std::string_view name = j.text("spec.name");
  if (name == "postgres" || name == "template0" || name == "template1")
    j.error("reserved-name", "spec.name",
            fmt::format("the database {} is PostgreSQL's own", name));
  const std::string_view provider = j.text("spec.localeProvider");
  struct Pair { std::string_view field, provider; };
  for (const auto& [field, wanted] : {Pair{"icuLocale", "icu"}, Pair{"icuRules", "icu"},
                                      Pair{"builtinLocale", "builtin"}})
    if (j.spec.find(field) != nullptr && provider != wanted)
      j.error("bad-locale", fmt::format("spec.{}", field),
              fmt::format("{} is for localeProvider: {}", field, wanted));
  for (const std::string_view list : {"extensions", "schemas", "fdws", "servers"})
    unique_names(j, j.spec, list, "spec");
  if (j.spec.find("fdws") == nullptr && j.spec.find("servers") == nullptr) return;
  for (const std::string_view list : {"fdws", "servers"}) {
    const auto items = j.items(fmt::format("spec.{}", list));
    for (size_t i = 0; i < items.size(); ++i)
      for (const std::string_view inner : {"options", "usage"})
        unique_names(j, items[i], inner, fmt::format("spec.{}[{}]", list, i));
  }
  foreign_servers(j);
}

}  // namespace dbm::cnpg
