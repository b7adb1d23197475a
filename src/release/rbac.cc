#include "release/rbac.h"

#include <fmt/format.h>

#include "release/expected.h"
#include "release/ready.h"

namespace dbm::release {
namespace {

using kube::Verb;
using yaml::Value;

constexpr std::string_view kGroup = "rbac.authorization.k8s.io", kApi = "rbac.authorization.k8s.io/v1";

/// Everything that is done with the release's own objects of a kind.
void add_own(Rights& rights, const std::string& ns, const kube::Resource& resource) {
  rights.add(ns, resource, {Verb::kGet, Verb::kList, Verb::kCreate, Verb::kPatch, Verb::kDelete});
  if (has_readiness(resource.kind)) rights.add(ns, resource, {Verb::kWatch});
}

class Maker {
 public:
  Maker(yaml::Arena& arena, const Release& release, const Subject& subject) : arena_(arena), release_(release), subject_(subject) {}

  Value role(const std::string& ns, const std::map<std::pair<std::string, std::string>, Rights::Verbs>& rights) {
    Value out = object(ns.empty() ? "ClusterRole" : "Role", ns);
    // Kinds of one group that need the same are one rule.
    std::map<std::pair<std::string, Rights::Verbs>, std::vector<std::string_view>> rules;
    for (const auto& [kind, verbs] : rights) rules[{kind.first, verbs}].push_back(kind.second);
    Value list = Value::list(arena_);
    for (const auto& [key, plurals] : rules) {
      Value verbs = Value::list(arena_), resources = Value::list(arena_), groups = Value::list(arena_);
      groups.push(arena_, text(key.first));
      for (const std::string_view plural : plurals) resources.push(arena_, text(plural));
      for (const Verb verb : key.second) verbs.push(arena_, Value::string(to_string(verb)));
      Value rule = Value::map(arena_);
      rule.append(arena_, "apiGroups", groups);
      rule.append(arena_, "resources", resources);
      rule.append(arena_, "verbs", verbs);
      list.push(arena_, rule);
    }
    out.append(arena_, "rules", list);
    return out;
  }
  Value binding(const std::string& ns) {
    Value out = object(ns.empty() ? "ClusterRoleBinding" : "RoleBinding", ns);
    Value role = Value::map(arena_);
    role.append(arena_, "apiGroup", Value::string(kGroup));
    role.append(arena_, "kind", Value::string(ns.empty() ? "ClusterRole" : "Role"));
    role.append(arena_, "name", text(name(ns)));
    out.append(arena_, "roleRef", role);
    Value subject = Value::map(arena_);
    if (subject_.ns.empty()) subject.append(arena_, "apiGroup", Value::string(kGroup));
    subject.append(arena_, "kind", Value::string(subject_.ns.empty() ? "User" : "ServiceAccount"));
    subject.append(arena_, "name", text(subject_.name));
    if (!subject_.ns.empty()) subject.append(arena_, "namespace", text(subject_.ns));
    Value subjects = Value::list(arena_);
    subjects.push(arena_, subject);
    out.append(arena_, "subjects", subjects);
    return out;
  }

 private:
  Value text(std::string_view t) const { return Value::string(arena_.copy(t)); }
  /// Releases of one name in several namespaces have ClusterRoles, and Roles in one tenant's
  /// namespace, of their own.
  std::string name(const std::string& ns) const {
    return ns == release_.ns ? release_.parent() : fmt::format("{}-{}", release_.parent(), release_.ns);
  }
  Value object(std::string_view kind, const std::string& ns) {
    Value metadata = Value::map(arena_);
    metadata.append(arena_, "name", text(name(ns)));
    if (!ns.empty()) metadata.append(arena_, "namespace", text(ns));
    Value out = Value::map(arena_);
    out.append(arena_, "apiVersion", Value::string(kApi));
    out.append(arena_, "kind", Value::string(kind));
    out.append(arena_, "metadata", metadata);
    return out;
  }

  yaml::Arena& arena_;
  const Release& release_;
  const Subject& subject_;
};

}  // namespace

void Rights::add(const std::string& ns, const kube::Resource& resource, std::initializer_list<Verb> verbs) {
  of[resource.namespaced ? ns : std::string()][{resource.group, resource.plural}].insert(verbs);
}

Result<Rights> rights_needed(const Source& source, const Release& release, kube::Kinds& kinds) {
  Wanted wanted;
  const auto rendered = render_wanted({.values = source.values,
                                       .clusters = source.clusters,
                                       .options = &source.options,
                                       .password = [](const spec::Cluster&, size_t) { return std::string_view("-"); },
                                       .is_made_once = [](std::string_view) { return false; }},
                                      kinds, wanted);
  if (!rendered) return rendered.error();
  Rights out;
  // The ApplySet's parent, and Secrets that are referred to.
  add_own(out, release.ns, *kube::well_known("v1", "Secret"));
  for (const Object& object : wanted.objects) add_own(out, std::string(object.ns), *object.resource);
  // Members are looked for by kind, where any may be.
  const ApplySet set = expected(source, kinds);
  for (const std::string& group_kind : set.group_kinds) {
    const kube::Resource* resource = kinds.find(group_kind);
    if (resource == nullptr) continue;
    out.add(release.ns, *resource, {Verb::kList});
    if (!stays_at_home(*resource))
      for (const std::string& ns : set.namespaces) out.add(ns, *resource, {Verb::kList});
  }
  out.add(release.ns, *kube::well_known("v1", "ResourceQuota"), {Verb::kList});
  if (set.group_kinds.contains("Cluster.postgresql.cnpg.io"))  // status
    out.add(release.ns, *kube::well_known("postgresql.cnpg.io/v1", "Backup"), {Verb::kList});
  if (set.group_kinds.contains("Pooler.postgresql.cnpg.io"))
    out.add(release.ns, *kube::well_known("apps/v1", "Deployment"), {Verb::kList, Verb::kWatch});
  return out;
}

std::vector<Value> rbac_objects(yaml::Arena& arena, const Release& release, const Rights& rights, const Subject& subject) {
  Maker maker(arena, release, subject);
  std::vector<Value> out;
  for (const auto& [ns, kinds] : rights.of) {
    out.push_back(maker.role(ns, kinds));
    if (!subject.name.empty()) out.push_back(maker.binding(ns));
  }
  return out;
}

}  // namespace dbm::release
