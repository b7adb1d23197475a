// Poolers: names, parameters, and whether their connections fit.

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.h"
#include "cnpg/parameters.h"
#include "spec/names.h"
#include "spec/rules.h"

namespace dbm::spec {
namespace {

constexpr int64_t kDefaultPoolSize = 20;  // PgBouncer's default_pool_size
constexpr int64_t kReserved = 3;          // superuser_reserved_connections
constexpr int64_t kOperator = 5;          // instance manager, metrics, streaming replicas

std::optional<int64_t> number(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

int64_t parameter(const Pooler& p, std::string_view name, int64_t otherwise) {
  const auto found = std::ranges::find(p.parameters, name, &schema::Entry<Text>::key);
  return found == p.parameters.end() ? otherwise : number(found->value).value_or(otherwise);
}

void check_parameters(const Cluster& c, const Pooler& p, size_t i, const RuleContext& context) {
  const auto known = cnpg::pgbouncer_parameters();
  for (const auto& [name, pos, value] : p.parameters) {
    if (cnpg::allows_pgbouncer_parameter(name, context.version)) continue;
    std::string hint = did_you_mean(name, known);
    if (hint.empty()) hint = "allowed are " + join_and(known);
    context.out.error("pgbouncer-parameter", pos,
                      path_of(c, fmt::format("poolers[{}].parameters.{}", i, printable(name))),
                      fmt::format("CloudNativePG does not let a Pooler set \"{}\"", printable(name)),
                      std::move(hint));
  }
}

/// The connections that a pooler may open to one server.
int64_t connections(const Cluster& c, const Pooler& p) {
  int64_t pairs = 0;
  for (const Database& db : c.databases) pairs += 1 + static_cast<int64_t>(db.users.size());
  const int64_t pool = parameter(p, "default_pool_size", kDefaultPoolSize) +
                       parameter(p, "reserve_pool_size", 0);
  int64_t total = pool * pairs;
  if (const int64_t limit = parameter(p, "max_db_connections", 0); limit > 0)
    total = std::min(total, limit * static_cast<int64_t>(c.databases.size()));
  if (const int64_t limit = parameter(p, "max_user_connections", 0); limit > 0)
    total = std::min(total, limit * pairs);
  return total * p.instances;
}

/// max_connections after every way to set it.
int64_t max_connections(const Cluster& c) {
  std::string_view text = c.max_connections;
  for (const auto& entry : c.parameters)
    if (entry.key == "max_connections") text = entry.value;
  for (const Tree* tree : {c.postgresql.find_path({"parameters", "max_connections"}),
                           c.additional_cluster_spec.find_path(
                               {"postgresql", "parameters", "max_connections"})})
    if (tree != nullptr) text = tree->text();
  return number(text).value_or(0);
}

void check_capacity(const Cluster& c, const RuleContext& context) {
  const int64_t room = max_connections(c) - kReserved - kOperator;
  if (c.databases.empty() || room <= 0) return;
  int64_t sum = 0, instances = 0, pairs = 0;
  for (const Pooler& p : c.poolers) {
    if (p.type == PoolerType::kRo) continue;  // those go to the replicas
    sum += connections(c, p);
    instances += p.instances;
  }
  if (sum <= room) return;
  for (const Database& db : c.databases) pairs += 1 + static_cast<int64_t>(db.users.size());
  const int64_t fits = instances * pairs > 0 ? room / (instances * pairs) : 0;
  context.out.warning(
      "pool-capacity", c.pos("poolers"), path_of(c, "poolers"),
      fmt::format("the poolers may open {} connections, max_connections leaves {} (a pool counts "
                  "per user and database)",
                  sum, room),
      fits > 0 ? fmt::format("a default_pool_size of {} would fit", fits)
               : "bound them with max_db_connections, or raise maxConnections");
}

}  // namespace

void check_poolers(const Cluster& c, const RuleContext& context) {
  std::unordered_map<std::string, const Pooler*> seen;
  for (size_t i = 0; i < c.poolers.size(); ++i) {
    const Pooler& p = c.poolers[i];
    const auto [first, fresh] = seen.emplace(pooler_object_name(c.name, p.name), &p);
    if (!fresh) {
      Diagnostic& d = context.out.error("duplicate-name", p.pos("name"),
                                        path_of(c, fmt::format("poolers[{}].name", i)),
                                        fmt::format("the pooler \"{}\" is here twice", p.name));
      d.related = first->second->pos("name");
      d.related_message = "first here";
    }
    check_parameters(c, p, i, context);
    if (p.type == PoolerType::kRo && c.instances == 1)
      context.out.warning("no-replica", p.pos("type"), path_of(c, fmt::format("poolers[{}].type", i)),
                          "a ro pooler has no replica to connect to with instances: 1",
                          "raise instances, or use type: r");
    const bool query = !p.auth_query.empty(), secret = !p.auth_query_secret.is_null();
    if (query != secret)
      context.out.error("half-auth-query", p.at.pos(), path_of(c, fmt::format("poolers[{}]", i)),
                        "authQuery and authQuerySecret go together");
  }
  check_capacity(c, context);
}

}  // namespace dbm::spec
