#include "local/state.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "base/files.h"
#include "yaml/reader.h"
#include "yaml/writer.h"

namespace dbm::local {
namespace {

using yaml::Value;

constexpr int64_t kFormat = 1;

int64_t integer(const Value& from, std::string_view key) {
  const Value* v = from.find(key);
  return v != nullptr ? v->as_int().value_or(0) : 0;
}
std::string text(const Value& from, std::string_view key) {
  const Value* v = from.find(key);
  return v != nullptr ? std::string(v->text()) : std::string();
}

bool flag(const Value& from, std::string_view key) {
  const Value* v = from.find(key);
  return v != nullptr && v->as_bool().value_or(false);
}

ClusterState read_cluster(const Value& from) {
  ClusterState out;
  out.port = static_cast<int>(integer(from, "port"));
  out.connections = text(from, "connections");
  out.stanza = flag(from, "stanza");
  if (const Value* poolers = from.find("poolers"))
    for (const yaml::Member& m : poolers->members())
      out.poolers[std::string(m.key)] = static_cast<int>(m.value.as_int().value_or(0));
  if (const Value* known = from.find("known"))
    for (const yaml::Member& m : known->members()) {
      uint32_t oid = 0;
      std::from_chars(m.key.data(), m.key.data() + m.key.size(), oid);
      out.known[oid] = m.value.text();
    }
  return out;
}

Value write_cluster(yaml::Arena& arena, const ClusterState& c) {
  Value out = Value::map(arena);
  out.append(arena, "port", Value::integer(arena, c.port));
  out.append(arena, "connections", Value::string(c.connections));
  out.append(arena, "stanza", Value::boolean(c.stanza));
  Value poolers = Value::map(arena), known = Value::map(arena, {}, c.known.size());
  for (const auto& [name, port] : c.poolers)
    poolers.append(arena, std::string_view(name), Value::integer(arena, port));
  for (const auto& [oid, fingerprint] : c.known)
    known.append(arena, arena.copy(std::to_string(oid)), Value::string(fingerprint));
  out.append(arena, "poolers", poolers);
  out.append(arena, "known", known);
  return out;
}

}  // namespace

Result<State> State::load(const std::filesystem::path& file) {
  State out;
  if (access(file.c_str(), F_OK) != 0 && errno == ENOENT) return out;
  auto text = read_text(file);
  if (!text) return std::move(text).error();
  Sources sources;
  yaml::Arena arena;
  Diagnostics diagnostics;
  const auto tree =
      yaml::read(arena, sources, sources.add(file.string(), std::move(text).value()), diagnostics);
  if (!tree || !tree->is_map() || integer(*tree, "format") != kFormat)
    return Error{fmt::format("{} is not a file of this version of cnpg-dbm", file.string()),
                 "move it away: ports will be chosen anew, data stays"};
  if (const Value* clusters = tree->find("clusters"))
    for (const yaml::Member& m : clusters->members())
      out.clusters[std::string(m.key)] = read_cluster(m.value);
  return out;
}

Status State::save(const std::filesystem::path& file) const {
  yaml::Arena arena;
  Value tree = Value::map(arena), clusters_out = Value::map(arena);
  tree.append(arena, "format", Value::integer(arena, kFormat));
  for (const auto& [name, cluster] : clusters)
    clusters_out.append(arena, std::string_view(name), write_cluster(arena, cluster));
  tree.append(arena, "clusters", clusters_out);
  std::string text;
  yaml::write_json(text, tree, 1);
  text += '\n';
  if (text_or_empty(file) == text) return Ok{};
  return write_atomically(file, text, 0600, /*durable=*/true);
}

}  // namespace dbm::local
