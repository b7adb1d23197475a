// Volumes of a Cluster: data, WAL, tablespaces.

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cnpg/judge.h"
#include "cnpg/quantity.h"
#include "cnpg/volume.h"

namespace dbm::cnpg {
namespace {

void volume(Judge& j, const std::string& path) {
  const yaml::Value* storage = j.at(path);
  const VolumeSize size = storage != nullptr ? volume_size(*storage) : VolumeSize();
  if (size.text.empty())
    j.error("missing-field", path, "the volume has no size",
            "give size, or pvcTemplate.resources.requests.storage");
  else if (!parse_quantity(size.text))
    j.error("bad-value", fmt::format("{}.{}", path, size.field),
            fmt::format("\"{}\" is no Kubernetes quantity", printable(size.text)), "for example 50Gi");
}

bool is_tablespace_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 63 && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '$';
         });
}

void tablespaces(Judge& j) {
  std::set<std::string> names, volumes;
  const auto list = j.items("spec.tablespaces");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("spec.tablespaces[{}]", i);
    const std::string_view name = Judge::text(list[i], "name");
    volume(j, path + ".storage");
    if (!names.insert(to_lower(name)).second) {
      j.error("duplicate-item", path + ".name",
              fmt::format("two tablespaces are called \"{}\"", printable(name)));
      continue;
    }
    if (name.starts_with("pg_"))
      j.error("reserved-name", path + ".name", "PostgreSQL keeps names that begin with pg_");
    else if (!is_tablespace_name(name))
      j.error("bad-name", path + ".name",
              fmt::format("\"{}\" is no legal name of a tablespace", printable(name)),
              "letters, digits, _ and $, at most 63");
    std::string mount = to_lower(name);
    std::ranges::replace_if(mount, [](char c) { return c == '_' || c == '$'; }, '-');
    if (!volumes.insert(mount).second)
      j.error("name-collision", path + ".name",
              fmt::format("two tablespaces would have the volume \"{}\"", mount));
  }
}

void snapshot_classes(Judge& j) {
  const std::string path = "spec.backup.volumeSnapshot.tablespaceClassName";
  const yaml::Value* classes = j.at(path);
  if (classes == nullptr) return;
  const auto tablespaces = j.items("spec.tablespaces");
  for (const yaml::Member& member : classes->members())
    if (std::ranges::none_of(tablespaces, [&](const yaml::Value& t) {
          return Judge::text(t, "name") == member.key;
        }))
      j.error("unknown-tablespace", path,
              fmt::format("no tablespace is called \"{}\"", printable(member.key)));
}

}  // namespace

void judge_storage(Judge& j) {
  volume(j, "spec.storage");
  if (j.at("spec.walStorage") != nullptr) volume(j, "spec.walStorage");
  if (j.at("spec.ephemeralVolumeSource") != nullptr &&
      j.at("spec.ephemeralVolumesSizeLimit.temporaryData") != nullptr)
    j.error("two-ways", "spec.ephemeralVolumeSource",
            "ephemeralVolumeSource and ephemeralVolumesSizeLimit.temporaryData exclude each other");
  tablespaces(j);
  snapshot_classes(j);
}

}  // namespace dbm::cnpg
