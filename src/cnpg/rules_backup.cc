// Where backups go: credentials, retention, external clusters, plugins, schedules.

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cnpg/cron.h"
#include "cnpg/judge.h"

namespace dbm::cnpg {
namespace {

void s3(Judge& j, const yaml::Value& s3, const std::string& path) {
  const bool id = Judge::at(s3, "accessKeyId") != nullptr;
  const bool key = Judge::at(s3, "secretAccessKey") != nullptr;
  const bool role = Judge::flag(s3, "inheritFromIAMRole");
  if (id != key)
    j.error("bad-credentials", path, "S3 needs both accessKeyId and secretAccessKey");
  if (role && (id || key))
    j.error("bad-credentials", path, "S3 takes inheritFromIAMRole or keys, not both");
  if (!role && !id && !key)
    j.error("bad-credentials", path, "S3 needs accessKeyId and secretAccessKey, or inheritFromIAMRole");
}

void azure(Judge& j, const yaml::Value& azure, const std::string& path) {
  const auto has = [&](std::string_view key) { return Judge::at(azure, key) != nullptr; };
  const int ways = Judge::flag(azure, "inheritFromAzureAD") +
                   Judge::flag(azure, "useDefaultAzureCredentials") + has("storageKey") +
                   has("storageSasToken");
  if (has("connectionString")) {
    if (ways != 0 || has("storageAccount"))
      j.error("bad-credentials", path, "Azure's connectionString goes without other credentials");
    return;
  }
  if (ways != 1)
    j.error("bad-credentials", path,
            "Azure needs connectionString or exactly one of storageKey, storageSasToken and inheritFromAzureAD");
  if ((has("storageKey") || has("storageSasToken")) && !has("storageAccount"))
    j.error("bad-credentials", path, "storageKey and storageSasToken need storageAccount");
}

void google(Judge& j, const yaml::Value& google, const std::string& path) {
  const bool identity = Judge::flag(google, "gkeEnvironment");
  if (identity == (Judge::at(google, "applicationCredentials") != nullptr))
    j.error("bad-credentials", path,
            "Google needs either gkeEnvironment: true or applicationCredentials");
}

void store(Judge& j, const std::string& path) {
  const yaml::Value* store = j.at(path);
  if (store == nullptr) return;
  struct Cloud {
    std::string_view key;
    void (*judge)(Judge&, const yaml::Value&, const std::string&);
  };
  constexpr Cloud kClouds[] = {
      {"s3Credentials", s3}, {"azureCredentials", azure}, {"googleCredentials", google}};
  int given = 0;
  for (const Cloud& cloud : kClouds)
    if (const yaml::Value* credentials = Judge::at(*store, cloud.key)) {
      ++given;
      cloud.judge(j, *credentials, fmt::format("{}.{}", path, cloud.key));
    }
  if (given != 1)
    j.error("bad-credentials", path,
            fmt::format("an object store has the credentials of {} clouds", given),
            "exactly one of s3Credentials, azureCredentials and googleCredentials");
}

bool is_retention(std::string_view text) {
  if (text.size() < 2 || text[0] < '1' || text[0] > '9') return false;
  const char unit = text.back();
  return (unit == 'd' || unit == 'w' || unit == 'm') &&
         text.substr(0, text.size() - 1).find_first_not_of("0123456789") == text.npos;
}

void retention(Judge& j, const std::string& path) {
  const std::string_view text = j.text(path);
  if (!text.empty() && !is_retention(text))
    j.error("bad-value", path,
            fmt::format("\"{}\" is no retention policy", printable(text)),
            "a number and d, w or m: 30d");
}

void external_clusters(Judge& j) {
  std::set<std::string_view> names;
  const auto list = j.items("spec.externalClusters");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("spec.externalClusters[{}]", i);
    if (!names.insert(Judge::text(list[i], "name")).second)
      j.error("duplicate-item", path,
              fmt::format("two external clusters are called \"{}\"",
                          printable(Judge::text(list[i], "name"))));
    if (Judge::at(list[i], "connectionParameters") == nullptr &&
        Judge::at(list[i], "barmanObjectStore") == nullptr &&
        Judge::at(list[i], "plugin") == nullptr)
      j.error("missing-field", path,
              "an external cluster needs connectionParameters, barmanObjectStore or plugin");
  }
}

void plugins(Judge& j) {
  int archivers = 0;
  for (const yaml::Value& plugin : j.items("spec.plugins")) {
    const yaml::Value* enabled = Judge::at(plugin, "enabled");
    const bool is_on = enabled == nullptr || enabled->as_bool().value_or(true);
    if (is_on && Judge::flag(plugin, "isWALArchiver")) ++archivers;
  }
  if (archivers > 1)
    j.error("two-archivers", "spec.plugins", "only one plugin can archive the WAL");
  if (archivers > 0 && j.at("spec.backup.barmanObjectStore") != nullptr)
    j.error("two-archivers", "spec.plugins",
            "backup.barmanObjectStore archives the WAL already: no plugin can besides");
}

}  // namespace

void judge_backup(Judge& j) {
  store(j, "spec.backup.barmanObjectStore");
  retention(j, "spec.backup.retentionPolicy");
  external_clusters(j);
  plugins(j);
}

void judge_object_store(Judge& j) {
  store(j, "spec.configuration");
  retention(j, "spec.retentionPolicy");
  if (j.at("spec.configuration.serverName") != nullptr)
    j.error("bad-value", "spec.configuration.serverName",
            "an ObjectStore has no serverName: give it as the plugin's parameter");
}

void judge_scheduled_backup(Judge& j) {
  const Schedule schedule = parse_schedule(j.text("spec.schedule"));
  if (!schedule.error.empty())
    j.error("bad-schedule", "spec.schedule", schedule.error,
            "six fields: second minute hour day month weekday");
  const std::string_view method = j.text("spec.method");
  if (method.empty() || method == "barmanObjectStore")
    for (const std::string_view key : {"online", "onlineConfiguration"})
      if (j.at(fmt::format("spec.{}", key)) != nullptr)
        j.error("bad-value", fmt::format("spec.{}", key),
                fmt::format("{} is for method: volumeSnapshot", key));
}

}  // namespace dbm::cnpg
