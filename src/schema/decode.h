#pragma once

// Decoding: a tree into typed records, by the rows of their tables. Every mistake becomes a
// diagnostic with its place; decoding goes on with the default. The decoded texts are views into
// the tree: Sources and Arena must outlive the records. Threads: one Decoder, one thread.

#include <string>
#include <utility>

#include "cnpg/crd_table.h"
#include "schema/record.h"

namespace dbm::schema {

struct DecodeOptions {
  cnpg::Version version = cnpg::kLatest;
  bool lenient = false;  // unknown keys are warnings
};

class Decoder {
 public:
  Decoder(yaml::Arena& arena, Diagnostics& diagnostics, DecodeOptions options)
      : arena_(arena), diagnostics_(diagnostics), options_(options) {}

  yaml::Arena& arena() { return arena_; }
  Diagnostics& diagnostics() { return diagnostics_; }
  const DecodeOptions& options() const { return options_; }

  /// "clusters.main.databases[0].owner", of the value being decoded.
  std::string path() const;
  void error(std::string_view code, Pos pos, std::string message, std::string hint = {});
  void warning(std::string_view code, Pos pos, std::string message, std::string hint = {});
  void wrong_type(const yaml::Value& value, std::string_view wanted, std::string hint = {});

  void decode(const Key& key, const yaml::Value& value, std::string_view& out);
  void decode(const Key& key, const yaml::Value& value, bool& out);
  void decode(const Key& key, const yaml::Value& value, int64_t& out);
  void decode(const Key& key, const yaml::Value& value, yaml::Value& out);
  template <class T>
  void decode(const Key& key, const yaml::Value& value, std::optional<T>& out) {
    decode(key, value, out.emplace());
  }
  template <class E>
    requires std::is_enum_v<E>
  void decode(const Key&, const yaml::Value& value, E& out) {
    if (const int i = decode_enum(value, EnumNames<E>::kNames); i >= 0) out = static_cast<E>(i);
  }
  template <class T>
  void decode(const Key& key, const yaml::Value& value, std::vector<T>& out) {
    if (!value.is_list()) return wrong_type(value, "a list");
    out.resize(value.items().size());
    for (size_t i = 0; i < out.size(); ++i) {
      Step step(*this, i);
      if (value.items()[i].is_null())
        error("wrong-type", value.items()[i].pos(), "an item of this list is empty");
      else
        decode(key, value.items()[i], out[i]);
    }
  }
  template <class T>
  void decode(const Key& key, const yaml::Value& value, std::vector<Entry<T>>& out) {
    if (!value.is_map()) return wrong_type(value, "a map");
    out.reserve(value.members().size());
    for (const yaml::Member& member : value.members()) {
      if (member.value.is_null()) continue;  // null removes a key (Helm)
      Step step(*this, member.key);
      out.push_back({member.key, member.key_pos, {}});
      decode(key, member.value, out.back().value);
    }
  }
  template <class T>
    requires std::is_base_of_v<Located, T>
  void decode(const Key&, const yaml::Value& value, T& out) {
    out.at = value;
    decode_record(record_of<T>(), value, &out);
  }
  /// The whole file.
  template <class T>
  void decode_root(const yaml::Value& value, T& out) {
    out.at = value;
    decode_record(record_of<T>(), value, &out);
  }

 private:
  struct Part {
    std::string_view key;
    size_t index;
  };
  struct Step {  // one step down the path, for the life of the object
    Step(Decoder& d, std::string_view key) : decoder(d) { d.path_.push_back({key, 0}); }
    Step(Decoder& d, size_t index) : decoder(d) { d.path_.push_back({{}, index}); }
    Step(const Step&) = delete;
    ~Step() { decoder.path_.pop_back(); }
    Decoder& decoder;
  };

  void decode_record(const Record& record, const yaml::Value& value, void* out);
  void unknown_key(const Record& record, const yaml::Member& member);
  int decode_enum(const yaml::Value& value, std::span<const std::string_view> names);

  yaml::Arena& arena_;
  Diagnostics& diagnostics_;
  DecodeOptions options_;
  std::vector<Part> path_;
};

namespace internal {

template <class M>
struct MemberOf;
template <class R, class T>
struct MemberOf<T R::*> {
  using RecordType = R;
  using ValueType = T;
};

inline yaml::Value encode(yaml::Arena&, std::string_view v) {
  return v.data() == nullptr ? yaml::Value() : yaml::Value::string(v);
}
inline yaml::Value encode(yaml::Arena&, bool v) { return yaml::Value::boolean(v); }
inline yaml::Value encode(yaml::Arena& arena, int64_t v) { return yaml::Value::integer(arena, v); }
inline yaml::Value encode(yaml::Arena&, const yaml::Value& v) { return v; }
template <class E>
  requires std::is_enum_v<E>
yaml::Value encode(yaml::Arena&, E v) {
  return yaml::Value::string(enum_name(v));
}
template <class T>
  requires std::is_base_of_v<Located, T>
yaml::Value encode(yaml::Arena&, const T&) {
  return {};  // its keys have their own defaults
}
template <class T>
yaml::Value encode(yaml::Arena&, const std::vector<T>&) {
  return {};
}
template <class T>
yaml::Value encode(yaml::Arena& arena, const std::optional<T>& v) {
  return v ? encode(arena, *v) : yaml::Value();
}

}  // namespace internal

/// A row for a member.
template <auto M>
Key key(std::string_view name, std::string_view doc, KeyOptions options = {}) {
  using R = typename internal::MemberOf<decltype(M)>::RecordType;
  using T = typename internal::MemberOf<decltype(M)>::ValueType;
  return Key{
      name, doc, options, &type_of<T>,
      [](Decoder& d, const Key& k, const yaml::Value& v, void* record) {
        d.decode(k, v, static_cast<R*>(record)->*M);
      },
      [](yaml::Arena& arena) {
        static const R kDefault{};
        return internal::encode(arena, kDefault.*M);
      }};
}

}  // namespace dbm::schema
