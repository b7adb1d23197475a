#pragma once

// JSON results, a line a field.

#include <string>
#include <string_view>

#include "yaml/value.h"
#include "yaml/writer.h"

namespace dbm::cli {

/// A JSON object that grows. Texts are copied into the arena, which must outlive it.
class Json {
 public:
  explicit Json(yaml::Arena& arena) : arena_(&arena), map_(yaml::Value::map(arena)) {}
  Json& set(yaml::Key key, std::string_view text) {
    map_.append(*arena_, key, yaml::Value::string(arena_->copy(text)));
    return *this;
  }
  Json& set(yaml::Key key, const char* text) { return set(key, std::string_view(text)); }
  Json& set(yaml::Key key, int64_t number) {
    map_.append(*arena_, key, yaml::Value::integer(*arena_, number));
    return *this;
  }
  Json& set(yaml::Key key, bool yes) {
    map_.append(*arena_, key, yaml::Value::boolean(yes));
    return *this;
  }
  Json& set(yaml::Key key, const yaml::Value& value) {
    map_.append(*arena_, key, value);
    return *this;
  }
  const yaml::Value& value() const { return map_; }
  /// As text, with its line end.
  std::string text() const {
    std::string out;
    yaml::write_json(out, map_, 2);
    return out + "\n";
  }

 private:
  yaml::Arena* arena_;
  yaml::Value map_;
};

/// A JSON list of what `make` gives for each item.
template <class Items, class Make>
yaml::Value json_list(yaml::Arena& arena, const Items& items, const Make& make) {
  yaml::Value out = yaml::Value::list(arena);
  for (const auto& item : items) out.push(arena, make(item));
  return out;
}

}  // namespace dbm::cli
