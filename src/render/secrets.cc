// Secrets: roles' passwords, connection Secrets, credentials of object stores.

#include "render/secret_data.h"
#include "spec/names.h"
#include "spec/stores.h"

#include "render/kinds.h"

namespace dbm::render {
namespace {

using spec::Cluster;
using spec::ClusterRole;

Map secret_object(Context& context, std::string_view name, std::string_view ns,
                  std::string_view type, const About& about, bool reload) {
  Map object = context.object("v1", "Secret", name, ns, about);
  if (reload) {
    yaml::Value labels = *object.value().find_path({"metadata", "labels"});
    labels.append(context.arena, "cnpg.io/reload", yaml::Value::string("true"));
  }
  object.set("type", yaml::Value::plain(type));
  return object;
}

void role_secret(Context& context, const ClusterPlan& plan, size_t index) {
  const ClusterRole& role = plan.roles[index];
  const Cluster& c = *plan.cluster;
  Map object = secret_object(context, spec::password_secret(c, role), context.options.ns,
                             "kubernetes.io/basic-auth", {.cluster = c.name}, /*reload=*/true);
  Data(object, 2)
      .set("username", role.name)
      .set("password", context.password(c, index));
  context.emit(object);
}

/// True when this run knows the role's password.
bool knows_password(const Cluster& c, const ClusterRole& role) {
  return role.has_password && role.existing_secret.empty() && c.role_secrets.create &&
         c.role_secrets.source != spec::SecretSource::kExternal;
}

/// One connection Secret: a role's way into a database.
void connection_secret(Context& context, const ClusterPlan& plan, const spec::Database& db,
                       std::string_view role_name, std::string_view name, std::string_view ns) {
  const Cluster& c = *plan.cluster;
  const ClusterRole* role = spec::find_role(plan.roles, role_name);
  if (role == nullptr || !knows_password(c, *role)) return;
  const std::string_view password =
      context.password(c, static_cast<size_t>(role - plan.roles.data()));
  yaml::Arena& arena = context.arena;
  const std::string_view release_ns = context.options.ns;
  const std::string_view host = arena.concat({c.name, "-rw.", release_ns, ".svc"});
  const std::string_view fqdn = arena.concat({host, ".", c.connection_secrets.cluster_domain});
  Map object = secret_object(context, name, ns, "Opaque",
                             {.cluster = c.name, .database = db.name}, /*reload=*/false);
  const std::span<PoolerHost> poolers(arena.allocate<PoolerHost>(c.poolers.size()), c.poolers.size());
  for (size_t i = 0; i < poolers.size(); ++i) {
    const std::string service = spec::pooler_object_name(c.name, c.poolers[i].name);
    poolers[i] = {c.poolers[i].name, arena.concat({service, ".", release_ns, ".svc"})};
  }
  Data data(object, connection_keys(poolers.size()));
  set_connection(data, {role->name, password, db.name, host, fqdn, poolers});
  context.emit(object);
}

void connection_secrets(Context& context, const ClusterPlan& plan, const spec::Database& db) {
  const Cluster& c = *plan.cluster;
  const std::string& ns = context.options.ns;
  const bool elsewhere = !db.target_namespace.empty() && db.target_namespace != ns;
  const auto write = [&](std::string_view role, const std::string& name) {
    connection_secret(context, plan, db, role, name, ns);
    if (elsewhere) connection_secret(context, plan, db, role, name, db.target_namespace);
  };
  write(db.owner, spec::connection_secret_name(c.name, db.name));
  for (const spec::User& user : db.users)
    write(user.name, spec::user_secret_name(c.name, db.name, user.name));
}

void backup_secret(Context& context, const Cluster& c) {
  if (!spec::makes_backup_secret(c)) return;
  const spec::Backup& b = c.backup;
  Map object = secret_object(context, spec::backup_secret_name(c.name), context.options.ns,
                             "Opaque", {.cluster = c.name}, /*reload=*/true);
  Data data(object, 3);
  const auto set = [&](std::string_view key, spec::Text value) {
    if (!value.empty()) data.set(key, value);
  };
  if (b.s3) {
    const spec::S3Keys& keys = b.s3->credentials.keys;
    set(keys.access_key_id, b.s3->access_key_id);
    set(keys.secret_access_key, b.s3->secret_access_key);
    set(keys.region, b.s3->region);
  } else if (b.azure) {
    set("AZURE_CONNECTION_STRING", b.azure->connection_string);
    set("AZURE_STORAGE_ACCOUNT", b.azure->storage_account);
    set("AZURE_STORAGE_KEY", b.azure->storage_key);
    set("AZURE_STORAGE_SAS_TOKEN", b.azure->storage_sas_token);
  } else if (b.gcs) {
    set("APPLICATION_CREDENTIALS", b.gcs->application_credentials);
  }
  context.emit(object);
}

}  // namespace

void render_secrets(Context& context) {
  for (const ClusterPlan& plan : context.clusters) {
    const Cluster& c = *plan.cluster;
    for (size_t i = 0; i < plan.roles.size(); ++i)
      if (knows_password(c, plan.roles[i])) role_secret(context, plan, i);
    backup_secret(context, c);
    if (c.connection_secrets.create)
      for (const spec::Database& db : c.databases) connection_secrets(context, plan, db);
  }
}

}  // namespace dbm::render
