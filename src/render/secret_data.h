#pragma once

// The contents of Secrets, and the one place that knows the keys of a connection Secret.

#include <span>
#include <string_view>

#include "render/build.h"

namespace dbm::render {

/// `data` of a Secret: values in base64.
class Data {
 public:
  Data(Map& secret, size_t reserve) : map_(secret.map("data", reserve)) {}
  Data& set(yaml::Key key, std::string_view value) {
    map_.set(key, encoded(value));
    return *this;
  }
  /// Under two keys.
  Data& set(yaml::Key key, yaml::Key other, std::string_view value) {
    const yaml::Value text = encoded(value);
    map_.set(key, text).set(other, text);
    return *this;
  }
  yaml::Arena& arena() const { return map_.arena(); }

 private:
  yaml::Value encoded(std::string_view value) const;

  Map map_;
};

/// A pooler's name in the file, and its host.
struct PoolerHost {
  std::string_view name, host;
};

/// One role's way into one database. The texts must outlive the Secret's arena.
struct ConnectionData {
  std::string_view user, password, database;
  std::string_view host, fqdn;
  std::span<const PoolerHost> poolers;
};

constexpr size_t connection_keys(size_t poolers) { return 13 + 2 * poolers; }
/// Every key of a connection Secret.
void set_connection(Data& data, const ConnectionData& way);

}  // namespace dbm::render
