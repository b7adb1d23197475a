// Lines of any bytes: an object that is wanted, the live one with its managedFields, then a watch.

#include <cstdlib>

#include "kube/json.h"
#include "release/applyset.h"
#include "release/cnpg_api.h"
#include "release/compare.h"
#include "release/guard.h"
#include "release/ready.h"
#include "release/references.h"
#include "release/tree.h"

namespace {

using namespace dbm;

void take(const yaml::Value& wanted, const yaml::Value& live) {
  const bool differs = release::differs(wanted, live, release::kFieldManager);
  if (differs == release::compare(wanted, live, release::kFieldManager).empty()) std::abort();
  release::compare_live(wanted, live);
  release::all_added(wanted);
  release::secret_references(wanted);
  release::read_parent(live);
  release::version_of(live);
  for (const char* kind : {"Cluster.postgresql.cnpg.io", "Database.postgresql.cnpg.io"}) {
    const kube::Resource resource = *kube::well_known_group_kind(kind);
    release::LiveObject there{.resource = &resource, .value = live, .group_kind = kind, .ns = "ns", .name = "name"};
    release::Object object;
    object.resource = &resource;
    object.value = wanted;
    std::vector<release::Danger> dangers;
    std::vector<std::string> notices;
    release::guard_change(there, object, dangers);
    release::guard_removal(there, dangers);
    release::notice_change(there, object, notices);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  yaml::Arena arena;
  std::vector<yaml::Value> lines;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    const auto line = kube::read_json(arena, std::string_view(text).substr(from, end - from));
    lines.push_back(line ? *line : yaml::Value());
    from = end + 1;
  }
  if (lines.size() >= 2) take(lines[0], lines[1]);
  for (const yaml::Value& event : lines)
    if (const yaml::Value* object = event.find("object")) release::readiness(*object);
  return 0;
}
