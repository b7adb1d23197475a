// Managed roles and services of a Cluster.

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cnpg/judge.h"
#include "cnpg/parameters.h"
#include "cnpg/timestamp.h"

namespace dbm::cnpg {
namespace {

void role(Judge& j, const yaml::Value& role, const std::string& path) {
  const std::string_view name = Judge::text(role, "name");
  if (is_reserved_role(name))
    j.error("reserved-name", path + ".name",
            fmt::format("the role {} is CloudNativePG's own", printable(name)));
  if (const yaml::Value* limit = Judge::at(role, "connectionLimit"))
    if (limit->as_int().value_or(0) < -1)
      j.error("out-of-range", path + ".connectionLimit",
              fmt::format("connectionLimit is {}, at least -1 (no limit) is needed",
                          limit->text()));
  if (Judge::flag(role, "disablePassword") && Judge::at(role, "passwordSecret") != nullptr)
    j.error("two-ways", path, "a role has a passwordSecret or disablePassword, not both");
  if (const yaml::Value* until = Judge::at(role, "validUntil"))
    if (!is_rfc3339(until->text()))
      j.error("bad-time", path + ".validUntil",
              fmt::format("\"{}\" is no time of RFC 3339", printable(until->text())),
              "for example 2026-01-31T10:00:00Z");
}

void roles(Judge& j) {
  std::set<std::string_view> names;
  const auto list = j.items("spec.managed.roles");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("spec.managed.roles[{}]", i);
    if (!names.insert(Judge::text(list[i], "name")).second)
      j.error("duplicate-item", path + ".name",
              fmt::format("two managed roles are called \"{}\"",
                          printable(Judge::text(list[i], "name"))));
    role(j, list[i], path);
  }
}

void services(Judge& j) {
  const std::string path = "spec.managed.services";
  for (const yaml::Value& type : j.items(path + ".disabledDefaultServices"))
    if (type.text() == "rw")
      j.error("bad-value", path + ".disabledDefaultServices", "the service rw cannot be disabled");
  std::set<std::string_view> names;
  const auto list = j.items(path + ".additional");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}.additional[{}]", path, i);
    const std::string_view name = Judge::text(list[i], "serviceTemplate.metadata.name");
    if (const yaml::Value* selector = Judge::at(list[i], "serviceTemplate.spec.selector"))
      if (selector->size() > 0)
        j.error("reserved-name", at, "CloudNativePG sets the Service's selector itself");
    if (name.empty()) {
      j.error("missing-field", at, "the Service needs serviceTemplate.metadata.name");
      continue;
    }
    for (const std::string_view suffix : {"-rw", "-ro", "-r", "-any"})
      if (name == fmt::format("{}{}", j.name, suffix))
        j.error("reserved-name", at,
                fmt::format("the Service {} is CloudNativePG's own", printable(name)));
    if (!names.insert(name).second)
      j.error("duplicate-item", at,
              fmt::format("two Services are called \"{}\"", printable(name)));
  }
}

}  // namespace

void judge_managed(Judge& j) {
  roles(j);
  services(j);
}

}  // namespace dbm::cnpg
