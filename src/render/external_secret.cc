// ExternalSecret objects (external-secrets.io/v1) for `roleSecrets.source: external`: the roles'
// passwords come from a store, and connection Secrets are made from them by External Secrets' own
// templates.

#include "render/kinds.h"
#include "secrets/connection.h"
#include "spec/names.h"

namespace dbm::render {
namespace {

using spec::Cluster;
using spec::ClusterRole;

constexpr std::string_view kApi = "external-secrets.io/v1";
/// The password inside a URI; urlquery writes a blank as +, which is wrong before the @.
constexpr std::string_view kQuoted = R"({{ .password | urlquery | replace "+" "%20" }})";

/// Text that a Go template prints as it is.
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '{')
      out += "{{ \"{\" }}";
    else
      out += c;
  }
  return out;
}

/// spec up to `data`; `target` is the Secret to be made.
Map begin(Map& object, const Cluster& c, std::string_view secret,
          std::string_view store, std::string_view store_kind, std::string_view type) {
  Map spec = object.map("spec", 5);
  spec.set("refreshInterval", c.role_secrets.external.refresh_interval);
  spec.map("secretStoreRef", 2).set("name", store).set("kind", store_kind);
  Map target = spec.map("target", 3);
  target.copy("name", secret).set("creationPolicy", "Owner");
  Map tmpl = target.map("template", 4);
  tmpl.set("type", type).set("engineVersion", "v2");
  return spec;
}

void add_password(Map& spec, std::string_view key) {
  yaml::Arena& arena = spec.arena();
  Map item(arena, 2);
  item.set("secretKey", "password");
  item.map("remoteRef", 2).copy("key", key).set("property", "password");
  spec.set("data", List(arena).add(item).value());
}

void role_secret(Context& context, const Cluster& c, const ClusterRole& role) {
  const spec::ExternalStore& store = c.role_secrets.external;
  const std::string name = spec::password_secret(c, role);
  Map object = context.object(kApi, "ExternalSecret", name, context.options.ns,
                              {.cluster = c.name}, role.pos);
  Map spec = begin(object, c, name, store.name, store.kind, "kubernetes.io/basic-auth");
  Map tmpl(context.arena, *spec.value().find_path({"target", "template"}));
  tmpl.map("metadata", 1)
      .map("labels", 2)
      .set("cnpg.io/reload", "true")
      .set("cnpg.io/cluster", c.name);
  tmpl.map("data", 2).copy("username", literal(role.name)).set("password", "{{ .password }}");
  add_password(spec, std::string(store.key_prefix) + name);
  context.emit(object);
}

void connection_secret(Context& context, const Cluster& c, const spec::Database& db,
                       const ClusterRole& role, const std::string& name, std::string_view ns) {
  const spec::ExternalStore& store = c.role_secrets.external;
  const bool elsewhere = ns != context.options.ns;
  const std::string key = std::string(elsewhere ? spec::Text() : store.key_prefix) +
                          spec::password_secret(c, role);
  Map object = context.object(kApi, "ExternalSecret", name, ns,
                              {.cluster = c.name, .database = db.name}, db.pos("name"));
  // In a tenant's namespace the password is read from the release's namespace through the store
  // that the chart's README names.
  Map spec = begin(object, c, name, elsewhere ? "kubernetes-backend" : store.name,
                   elsewhere ? "SecretStore" : store.kind, "Opaque");
  yaml::Arena& arena = context.arena;
  const std::string host = std::string(c.name) + "-rw." + context.options.ns + ".svc";
  const auto encoded = [](std::string_view text) {
    std::string out;
    secrets::append_percent_encoded(out, text);
    return out;
  };
  const std::string at = "@" + host + ":5432/" + encoded(db.name);
  Map tmpl(arena, *spec.value().find_path({"target", "template"}));
  tmpl.map("data", 9)
      .copy("username", literal(role.name))
      .copy("user", literal(role.name))
      .set("password", "{{ .password }}")
      .copy("dbname", literal(db.name))
      .copy("database", literal(db.name))
      .copy("host", host)
      .set("port", "5432")
      .set("uri", arena.concat({"postgresql://", encoded(role.name), ":", kQuoted, at}))
      .set("jdbc-uri", arena.concat({"jdbc:postgresql://", host, ":5432/", encoded(db.name),
                                     "?password=", kQuoted, "&user=", encoded(role.name)}))
      .set("jdbc-url",
           arena.concat({"jdbc:postgresql://", host, ":5432/", encoded(db.name)}));
  add_password(spec, key);
  context.emit(object);
}

}  // namespace

void render_external_secrets(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    if (c.role_secrets.source != spec::SecretSource::kExternal || !c.role_secrets.create) continue;
    for (const ClusterRole& role : plan.roles)
      if (role.has_password && role.existing_secret.empty()) role_secret(context, c, role);
    if (!c.connection_secrets.create) continue;
    for (const spec::Database& db : c.databases) {
      const auto write = [&](std::string_view role_name, const std::string& name) {
        const ClusterRole* role = spec::find_role(plan.roles, role_name);
        if (role == nullptr || !role->has_password || !role->existing_secret.empty()) return;
        connection_secret(context, c, db, *role, name, context.options.ns);
        if (!db.target_namespace.empty() && db.target_namespace != context.options.ns)
          connection_secret(context, c, db, *role, name, db.target_namespace);
      };
      write(db.owner, spec::connection_secret_name(c.name, db.name));
      for (const spec::User& user : db.users)
        write(user.name, spec::user_secret_name(c.name, db.name, user.name));
    }
  }
}

}  // namespace dbm::render
