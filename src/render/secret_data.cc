#include "render/secret_data.h"

#include "secrets/base64.h"
#include "secrets/connection.h"

namespace dbm::render {

yaml::Value Data::encoded(std::string_view value) const {
  const size_t size = secrets::base64_size(value.size());
  char* out = map_.arena().allocate<char>(size + 1);
  secrets::write_base64(out, value);
  const std::string_view text(out, size);
  // Base64 is no number and no word of YAML when a letter comes first and it is not short.
  const bool plain = size >= 8 && (out[0] | 0x20) >= 'a' && (out[0] | 0x20) <= 'z';
  return plain ? yaml::Value::plain(text) : yaml::Value::string(text);
}

void set_connection(Data& data, const ConnectionData& way) {
  secrets::Connection texts(way.user, way.password, way.database);
  data.set("username", "user", way.user)
      .set("password", way.password)
      .set("dbname", "database", way.database)
      .set("host", way.host)
      .set("port", texts.kPort)
      .set("uri", texts.uri(way.host))
      .set("jdbc-uri", texts.jdbc_uri(way.host))
      .set("jdbc-url", texts.jdbc_url(way.host))
      .set("pgpass", texts.pgpass(way.host))
      .set("fqdn-uri", texts.uri(way.fqdn))
      .set("fqdn-jdbc-uri", texts.jdbc_uri(way.fqdn));
  for (const PoolerHost& pooler : way.poolers)
    data.set(data.arena().concat({"pooler-", pooler.name, "-host"}), pooler.host)
        .set(data.arena().concat({"pooler-", pooler.name, "-uri"}), texts.uri(pooler.host));
}

}  // namespace dbm::render
