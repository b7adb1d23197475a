#include "yaml/set_flags.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "yaml/reader.h"

namespace dbm::yaml {
namespace {

constexpr size_t kMaxIndex = 65536;  // as Helm
constexpr size_t kMaxDepth = 30;     // as Helm

struct Step {
  std::string_view key;  // data() null: an index
  size_t index = 0;
};

class Setter {
 public:
  Setter(Arena& arena, Sources& sources, uint16_t source, SetKind kind, Diagnostics& diagnostics,
         const ReadFile& read_file)
      : arena_(arena), sources_(sources), source_(source), kind_(kind),
        diagnostics_(diagnostics), read_file_(read_file), text_(sources.text(source)) {}

  Value apply(Value root) {
    if (!root.is_map()) root = Value::map(arena_);
    while (at_ < text_.size()) {
      std::vector<Step> path;
      if (!read_path(path)) return root;
      const Pos pos = place();
      std::optional<Value> value = read_value();
      if (!value) return root;
      if (!put(root, path, value->at(pos))) return root;
      if (at_ < text_.size() && text_[at_] == ',') ++at_;  // as Helm: after a list it may be missing
    }
    return root;
  }

 private:
  Pos place() const {
    return {1, static_cast<uint16_t>(std::min<size_t>(at_ + 1, 65535)), source_};
  }
  bool fail(std::string message, std::string hint = {}) {
    diagnostics_.error("set-flag", place(), {}, std::move(message), std::move(hint));
    return false;
  }

  /// Up to one of `stops` that no backslash hides; backslashes are taken away.
  std::string_view word(std::string_view stops) {
    std::string out;
    while (at_ < text_.size() && stops.find(text_[at_]) == stops.npos) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    return arena_.copy(out);
  }

  bool read_path(std::vector<Step>& path) {
    while (true) {
      const std::string_view key = word(".[=,");
      if (key.empty() && (path.empty() || path.back().key.data() != nullptr))
        return fail("a key is missing here", "for example: --set clusters.main.instances=1");
      if (!key.empty()) path.push_back({key});
      while (at_ < text_.size() && text_[at_] == '[')
        if (!read_index(path)) return false;
      if (path.size() > kMaxDepth) return fail("the path is too deep");
      if (at_ == text_.size() || text_[at_] == ',')
        return fail(fmt::format("\"{}\" has no value", printable(key)), "write KEY=VALUE");
      if (text_[at_++] == '=') return true;
    }
  }

  bool read_index(std::vector<Step>& path) {
    const size_t end = text_.find(']', at_);
    if (end == text_.npos) return fail("the ] is missing");
    const std::string_view digits = text_.substr(at_ + 1, end - at_ - 1);
    size_t index = 0;
    const auto [last, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || last != digits.data() + digits.size())
      return fail(fmt::format("\"{}\" is no index of a list", printable(digits)));
    if (index > kMaxIndex) return fail(fmt::format("an index is at most {}", kMaxIndex));
    path.push_back({{}, index});
    at_ = end + 1;
    return true;
  }

  std::optional<Value> read_value() {
    if (kind_ == SetKind::kJson) return json();
    if (kind_ == SetKind::kFile) {
      const Pos pos = place();
      const auto content = read_file_(std::string(word(",")), pos);
      if (!content) return std::nullopt;
      return Value::string(arena_.copy(*content));
    }
    if (at_ < text_.size() && text_[at_] == '{') return list();
    return typed(word(","));
  }

  std::optional<Value> list() {
    Value out = Value::list(arena_);
    ++at_;
    while (at_ < text_.size() && text_[at_] != '}') {
      out.push(arena_, typed(word(",}")));
      if (at_ < text_.size() && text_[at_] == ',') ++at_;
    }
    if (at_ == text_.size()) {
      fail("the } is missing");
      return std::nullopt;
    }
    ++at_;
    return out;
  }

  Value typed(std::string_view text) const {
    if (kind_ == SetKind::kString) return Value::string(text);
    if (is_word(text, "null")) return Value::null();
    if (is_word(text, "true")) return Value::boolean(true);
    if (is_word(text, "false")) return Value::boolean(false);
    if (const auto number = decimal(text)) return Value::integer(arena_, *number);
    return Value::string(text);
  }

  /// Whether this is the word, in capitals or not.
  static bool is_word(std::string_view text, std::string_view word) {
    return std::ranges::equal(text, word, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  }

  /// As Helm: decimal whatever stands behind the sign; a number with a leading zero is a string.
  static std::optional<int64_t> decimal(std::string_view text) {
    if (text.size() > 1 && text[0] == '0') return std::nullopt;
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
    int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
  }

  /// Where the JSON value that begins here ends: at a comma outside of its brackets and strings.
  size_t json_end() const {
    int depth = 0;
    bool quoted = false;
    for (size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (quoted) {
        if (c == '\\') ++i;
        if (c == '"') quoted = false;
      } else if (c == ',' && depth == 0) {
        return i;
      } else {
        quoted = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
      }
    }
    return text_.size();
  }

  std::optional<Value> json() {
    const std::string value(text_.substr(at_, json_end() - at_));
    const uint16_t inner = sources_.add(sources_.name(source_), value);
    const auto out = read(arena_, sources_, inner, diagnostics_);
    if (out && out->is_string() && value.find('"') == value.npos) {
      fail(fmt::format("\"{}\" is no JSON", printable(value)), "texts stand in double quotes");
      return std::nullopt;
    }
    at_ = json_end();
    return out;
  }

  bool put(Value& root, std::span<const Step> path, Value value) {
    Value* node = &root;
    for (size_t i = 0; i < path.size(); ++i) {
      const bool last = i + 1 == path.size();
      const bool next_is_index = !last && path[i + 1].key.data() == nullptr;
      Value child = last ? value : next_is_index ? Value::list(arena_) : Value::map(arena_);
      if (path[i].key.data() != nullptr) {
        if (!node->is_map()) return fail(fmt::format("{} is no map", printable(path[i].key)));
        const Value* old = node->find(path[i].key);
        if (!last && old != nullptr && old->is_container()) child = shallow_copy(*old);
        node = &node->set(arena_, path[i].key, child, value.pos());
      } else {
        if (!node->is_list()) return fail("an index needs a list");
        if (!last && path[i].index < node->items().size() &&
            node->items()[path[i].index].is_container())
          child = shallow_copy(node->items()[path[i].index]);
        Value grown = Value::list(arena_, node->pos());
        for (const Value& item : node->items()) grown.push(arena_, item);
        while (grown.items().size() <= path[i].index) grown.push(arena_, Value::null());
        Value* slot = const_cast<Value*>(&grown.items()[path[i].index]);  // our own copy
        *slot = child;
        *node = grown;
        node = slot;
      }
    }
    return true;
  }

  /// Containers may be shared with the file that was read: what is written to is copied first.
  Value shallow_copy(const Value& v) {
    Value out = v.is_map() ? Value::map(arena_, v.pos()) : Value::list(arena_, v.pos());
    for (const Member& m : v.members()) out.append(arena_, m.key, m.value, m.key_pos);
    for (const Value& item : v.items()) out.push(arena_, item);
    return out;
  }

  Arena& arena_;
  Sources& sources_;
  uint16_t source_;
  SetKind kind_;
  Diagnostics& diagnostics_;
  const ReadFile& read_file_;
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Value apply_set(Arena& arena, const Value& base, Sources& sources, uint16_t source, SetKind kind,
                Diagnostics& diagnostics, const ReadFile& read_file) {
  Value root = base.is_map() ? clone(arena, base) : Value::map(arena);
  return Setter(arena, sources, source, kind, diagnostics, read_file).apply(root);
}

}  // namespace dbm::yaml
