// A Cluster's instances: name, number, image, resources, scheduling, replica mode, certificates.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cnpg/image.h"
#include "cnpg/judge.h"
#include "cnpg/quantity.h"
#include "cnpg/regex.h"

namespace dbm::cnpg {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_dns_1035(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && lower(name.front()) && (lower(name.back()) || is_digit(name.back())) &&
         std::ranges::all_of(name, [&](char c) { return lower(c) || is_digit(c) || c == '-'; });
}

void cluster_name(Judge& j) {
  if (!is_dns_1035(j.name))
    j.error("bad-name", "metadata.name",
            fmt::format("\"{}\" is no legal name of a Cluster", printable(j.name)),
            "lower-case letters, digits and -, a letter first");
  if (j.name.size() > 50)
    j.error("bad-name", "metadata.name",
            fmt::format("a Cluster's name has at most 50 characters, this has {}", j.name.size()));
}

void image(Judge& j) {
  const yaml::Value* given = j.at("spec.imageName");
  if (given == nullptr) return;
  if (j.at("spec.imageCatalogRef") != nullptr)
    j.error("two-images", "spec.imageName", "imageName and imageCatalogRef exclude each other");
  const std::string_view tag = image_tag(given->text());
  if (given->text().empty()) return;
  if (tag.data() == nullptr)
    j.error("bad-image", "spec.imageName",
            "the image has a digest and no tag: CloudNativePG cannot tell PostgreSQL's version",
            "write name:17.2@sha256:…");
  else if (tag == "latest")
    j.error("bad-image", "spec.imageName",
            "the image has no tag, or \"latest\": CloudNativePG cannot tell PostgreSQL's version",
            "for example ghcr.io/cloudnative-pg/postgresql:17.2");
  else if (!is_digit(tag[0]))
    j.error("bad-image", "spec.imageName",
            fmt::format("the tag \"{}\" does not begin with PostgreSQL's version", printable(tag)),
            "for example 17.2 or 17.2-bookworm");
  else if (tag_major(tag) < 13)
    j.error("bad-image", "spec.imageName",
            fmt::format("PostgreSQL {} is too old, CloudNativePG runs 13 and later",
                        tag_major(tag)));
}

void catalog_ref(Judge& j) {
  const yaml::Value* ref = j.at("spec.imageCatalogRef");
  if (ref == nullptr) return;
  if (Judge::text(*ref, "apiGroup") != "postgresql.cnpg.io")
    j.error("bad-value", "spec.imageCatalogRef.apiGroup",
            "imageCatalogRef.apiGroup is postgresql.cnpg.io");
  const std::string_view kind = Judge::text(*ref, "kind");
  if (kind != "ImageCatalog" && kind != "ClusterImageCatalog")
    j.error("bad-enum", "spec.imageCatalogRef.kind",
            fmt::format("\"{}\" is no kind of image catalog", printable(kind)),
            "ImageCatalog or ClusterImageCatalog");
  if (major_version(j) < 13)
    j.error("bad-image", "spec.imageCatalogRef.major",
            "this PostgreSQL is too old, CloudNativePG runs 13 and later");
}

void enums(Judge& j) {
  struct Choice {
    std::string_view field;
    std::array<std::string_view, 3> legal;
  };
  constexpr Choice kChoices[] = {
      {"spec.imagePullPolicy", {"Always", "Never", "IfNotPresent"}},
      {"spec.affinity.podAntiAffinityType", {"preferred", "required", "required"}},
  };
  for (const Choice& choice : kChoices) {
    const std::string_view text = j.text(choice.field);
    if (text.empty() || std::ranges::find(choice.legal, text) != choice.legal.end()) continue;
    j.error("bad-enum", std::string(choice.field),
            fmt::format("\"{}\" is not allowed here", printable(text)),
            fmt::format("it is one of {}",
                        join_and(std::span(choice.legal).first(
                            choice.legal[1] == choice.legal[2] ? 2 : 3))));
  }
}

void replicas(Judge& j) {
  const int64_t instances = j.integer("spec.instances", 1);
  const int64_t least = j.integer("spec.minSyncReplicas", 0);
  const int64_t most = j.integer("spec.maxSyncReplicas", 0);
  if (most >= instances && most > 0)
    j.error("out-of-range", "spec.maxSyncReplicas",
            fmt::format("maxSyncReplicas {} must be below instances {}", most, instances));
  if (least > most)
    j.error("out-of-range", "spec.minSyncReplicas",
            fmt::format("minSyncReplicas {} is over maxSyncReplicas {}", least, most));
  if (j.text("spec.primaryUpdateStrategy") == "supervised" && instances == 1)
    j.error("bad-value", "spec.primaryUpdateStrategy",
            "supervised updates need more than one instance");
}

void resources(Judge& j) {
  const yaml::Value* requests = j.at("spec.resources.requests");
  const yaml::Value* limits = j.at("spec.resources.limits");
  if (requests == nullptr || limits == nullptr) return;
  for (const yaml::Member& request : requests->members()) {
    const yaml::Value* limit = limits->find(request.key);
    if (limit == nullptr) continue;
    const auto wanted = parse_quantity(request.value.text()), most = parse_quantity(limit->text());
    if (!wanted || !most) continue;
    const std::string path = fmt::format("spec.resources.requests.{}", request.key);
    if (request.key.starts_with("hugepages-") ? *wanted != *most
                                              : most->value != 0 && *most < *wanted)
      j.error("request-over-limit", path,
              fmt::format("the request {} does not fit the limit {}", request.value.text(),
                          limit->text()));
  }
}

void huge_pages_alone(Judge& j) {
  bool huge = false, ordinary = false;
  for (const std::string_view list : {"requests", "limits"}) {
    const yaml::Value* map = j.at(fmt::format("spec.resources.{}", list));
    if (map == nullptr) continue;
    for (const yaml::Member& member : map->members()) {
      huge |= member.key.starts_with("hugepages-");
      ordinary |= member.key == "cpu" || member.key == "memory";
    }
  }
  if (huge && !ordinary)
    j.error("missing-field", "spec.resources", "huge pages need cpu or memory besides");
}

bool is_label_value(std::string_view text) {
  const auto alnum = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (text.empty()) return true;
  return text.size() <= 63 && alnum(text.front()) && alnum(text.back()) &&
         std::ranges::all_of(text, [&](char c) {
           return alnum(c) || c == '-' || c == '_' || c == '.';
         });
}

void tolerations(Judge& j) {
  const auto list = j.items("spec.affinity.tolerations");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("spec.affinity.tolerations[{}]", i);
    const std::string_view key = Judge::text(list[i], "key");
    const std::string_view op = Judge::text(list[i], "operator");
    const std::string_view value = Judge::text(list[i], "value");
    const std::string_view effect = Judge::text(list[i], "effect");
    if (!op.empty() && op != "Exists" && op != "Equal")
      j.error("bad-enum", path + ".operator",
              fmt::format("\"{}\" is no operator of a toleration", printable(op)),
              "Exists or Equal");
    if (key.empty() && op != "Exists")
      j.error("bad-value", path, "a toleration without a key needs operator: Exists");
    if (!key.empty() && !is_label_value(key.substr(key.find('/') == key.npos ? 0 : key.find('/') + 1)))
      j.error("bad-name", path + ".key",
              fmt::format("\"{}\" is no legal key of a taint", printable(key)));
    if (op == "Exists" && !value.empty())
      j.error("bad-value", path + ".value", "operator Exists takes no value");
    if (op != "Exists" && !is_label_value(value))
      j.error("bad-value", path + ".value",
              fmt::format("\"{}\" is no legal value of a taint", printable(value)));
    if (!effect.empty() && effect != "NoSchedule" && effect != "PreferNoSchedule" &&
        effect != "NoExecute")
      j.error("bad-enum", path + ".effect",
              fmt::format("\"{}\" is no effect of a taint", printable(effect)),
              "NoSchedule, PreferNoSchedule or NoExecute");
    if (Judge::at(list[i], "tolerationSeconds") != nullptr && effect != "NoExecute")
      j.error("bad-value", path + ".tolerationSeconds",
              "tolerationSeconds goes with effect: NoExecute");
  }
}

void environment(Judge& j) {
  const auto list = j.items("spec.env");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string name = to_lower(Judge::text(list[i], "name"));
    if (name.starts_with("cnpg_") || name.starts_with("pg") || name == "pod_name" ||
        name == "namespace" || name == "cluster_name")
      j.error("reserved-name", fmt::format("spec.env[{}].name", i),
              fmt::format("CloudNativePG keeps the variable {} for itself",
                          printable(Judge::text(list[i], "name"))));
  }
}

void certificates(Judge& j) {
  const std::string path = "spec.certificates";
  if (!j.text(path + ".serverTLSSecret").empty()) {
    if (!j.items(path + ".serverAltDNSNames").empty())
      j.error("two-ways", path + ".serverAltDNSNames",
              "serverAltDNSNames is for certificates that CloudNativePG makes, not with serverTLSSecret");
    if (j.text(path + ".serverCASecret").empty())
      j.error("missing-field", path, "serverTLSSecret needs serverCASecret");
  }
  if (!j.text(path + ".replicationTLSSecret").empty() && j.text(path + ".clientCASecret").empty())
    j.error("missing-field", path, "replicationTLSSecret needs clientCASecret");
}

bool has_external_cluster(const Judge& j, std::string_view name) {
  return std::ranges::any_of(j.items("spec.externalClusters"), [&](const yaml::Value& c) {
    return Judge::text(c, "name") == name;
  });
}

void replica_mode(Judge& j) {
  const std::string path = "spec.replica";
  const yaml::Value* replica = j.at(path);
  if (replica == nullptr) return;
  if (!Judge::text(*replica, "primary").empty() && Judge::at(*replica, "enabled") != nullptr)
    j.error("two-ways", path, "replica.enabled and replica.primary exclude each other");
  if (is_replica(j) && j.at("spec.bootstrap.recovery") == nullptr &&
      j.at("spec.bootstrap.pg_basebackup") == nullptr)
    j.error("missing-field", path,
            "a replica Cluster begins with recovery or pg_basebackup");
  for (const std::string_view key : {"source", "self", "primary"}) {
    const std::string_view name = Judge::text(*replica, key);
    if (name.empty() && key != "source") continue;
    if (!has_external_cluster(j, name))
      j.error("unknown-source", fmt::format("{}.{}", path, key),
              fmt::format("no external cluster is called \"{}\"", printable(name)),
              "it is one of externalClusters[].name");
  }
  if (Judge::text(*replica, "promotionToken").empty()) return;
  if (Judge::at(*replica, "minApplyDelay") != nullptr)
    j.error("two-ways", path, "minApplyDelay and promotionToken exclude each other");
  else if (is_replica(j))
    j.error("bad-value", path, "promotionToken is for the primary Cluster");
}

void replication_slots(Judge& j) {
  const std::string path = "spec.replicationSlots.synchronizeReplicas.excludePatterns";
  const auto patterns = j.items(path);
  for (size_t i = 0; i < patterns.size(); ++i)
    if (const auto mistake = regex_mistake(patterns[i].text()))
      j.error("bad-value", fmt::format("{}[{}]", path, i),
              fmt::format("\"{}\" is no regular expression: {}", printable(patterns[i].text()),
                          printable(*mistake)));
}

void others(Judge& j) {
  if (const yaml::Value* superuser = j.at("spec.superuserSecret"))
    if (Judge::text(*superuser, "name").empty())
      j.error("missing-field", "spec.superuserSecret", "superuserSecret needs a name");
  if (!j.text("spec.serviceAccountName").empty() && j.at("spec.serviceAccountTemplate") != nullptr)
    j.error("two-ways", "spec.serviceAccountName",
            "serviceAccountName and serviceAccountTemplate exclude each other");
  if (j.at("spec.projectedVolumeTemplate") != nullptr &&
      j.items("spec.projectedVolumeTemplate.sources").empty())
    j.error("missing-field", "spec.projectedVolumeTemplate",
            "projectedVolumeTemplate needs sources");
  const std::string_view hibernation = j.annotation("cnpg.io/hibernation");
  if (!hibernation.empty() && hibernation != "on" && hibernation != "off")
    j.error("bad-enum", "metadata.annotations",
            fmt::format("\"{}\" is not allowed for cnpg.io/hibernation", printable(hibernation)),
            "on or off");
}

}  // namespace

int major_version(const Judge& j) {
  if (j.at("spec.imageCatalogRef") != nullptr)
    return static_cast<int>(j.integer("spec.imageCatalogRef.major", 0));
  const std::string_view image = j.text("spec.imageName");
  return image.empty() ? kDefaultMajor : tag_major(image_tag(image));
}

bool is_replica(const Judge& j) {
  const yaml::Value* replica = j.at("spec.replica");
  if (replica == nullptr) return false;
  if (const yaml::Value* enabled = Judge::at(*replica, "enabled"))
    return enabled->as_bool().value_or(false);
  const std::string_view self = Judge::text(*replica, "self");
  return (self.empty() ? j.name : self) != Judge::text(*replica, "primary");
}

void judge_instances(Judge& j) {
  cluster_name(j);
  image(j);
  catalog_ref(j);
  enums(j);
  replicas(j);
  resources(j);
  huge_pages_alone(j);
  tolerations(j);
  environment(j);
  certificates(j);
  replica_mode(j);
  replication_slots(j);
  others(j);
}

}  // namespace dbm::cnpg
