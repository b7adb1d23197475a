#include "yaml/reader.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <yaml.h>

#include "base/text.h"

namespace dbm::yaml {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

/// The place of a byte of the text.
Pos pos_of(std::string_view text, size_t offset, uint16_t source) {
  const std::string_view before = text.substr(0, offset);
  size_t line = 1, start = 0;
  for (size_t i = 0; (i = before.find('\n', i)) != before.npos;) ++line, start = ++i;
  return {static_cast<uint32_t>(line),
          static_cast<uint16_t>(std::min<size_t>(offset - start + 1, 65535)), source};
}

/// How many bytes at the start are sure to be plain ASCII, found by whole blocks (which compilers
/// look at many bytes at once).
size_t plain_start(std::string_view text) {
  constexpr size_t kBlock = 64;
  size_t done = 0;
  for (; done + kBlock <= text.size(); done += kBlock) {
    uint8_t other = 0;
    for (size_t i = done; i < done + kBlock; ++i) {
      const auto c = static_cast<uint8_t>(text[i]);
      other |= static_cast<uint8_t>((c < 0x20) & (c != '\n')) | static_cast<uint8_t>(c >= 0x7F);
    }
    if (other != 0) break;
  }
  return done;
}

/// Offset of the first byte that cannot stand in a YAML text, or npos: NUL, other control
/// characters and what is no UTF-8 (YAML 1.2.2, 5.1).
size_t find_illegal(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const size_t n = text.size();
  const auto tail = [&](size_t i) { return i < n && (p[i] & 0xC0) == 0x80; };
  for (size_t i = plain_start(text); i < n;) {
    const unsigned char c = p[i];
    if (c >= 0x20 && c < 0x7F) {
      ++i;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      ++i;
    } else if (c >= 0xC2 && c < 0xE0 && tail(i + 1)) {
      i += 2;
    } else if ((c & 0xF0) == 0xE0 && tail(i + 1) && tail(i + 2) &&
               !(c == 0xE0 && p[i + 1] < 0xA0) && !(c == 0xED && p[i + 1] >= 0xA0)) {
      i += 3;
    } else if (c >= 0xF0 && c < 0xF5 && tail(i + 1) && tail(i + 2) && tail(i + 3) &&
               !(c == 0xF0 && p[i + 1] < 0x90) && !(c == 0xF4 && p[i + 1] >= 0x90)) {
      i += 4;
    } else {
      return i;
    }
  }
  return text.npos;
}

/// libyaml's parser; freed at the end of the scope. libyaml counts characters, this counts bytes.
class Parser {
 public:
  /// The text must outlive the parser.
  explicit Parser(std::string_view text) {
    good_ = yaml_parser_initialize(&parser_) != 0;
    if (!good_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }

  /// False: no further event, failure() says why. The event is the caller's to delete.
  bool next(yaml_event_t& event) { return good_ && yaml_parser_parse(&parser_, &event) != 0; }
  const yaml_parser_t& failure() const { return parser_; }

 private:
  yaml_parser_t parser_{};
  bool good_ = false;
};

/// An event that is freed at the end of the scope.
struct Event : yaml_event_t {
  Event() : yaml_event_t{} {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(this); }
};

/// Turns libyaml's marks (counted in characters) into bytes, lines and columns of the text. The marks
/// of a parse only ever go on, or back a little: finding one costs the way from the last.
class Cursor {
 public:
  Cursor(std::string_view text, uint16_t source) : text_(text), source_(source) {}

  size_t byte(const yaml_mark_t& mark) {
    while (characters_ < mark.index && byte_ < text_.size()) forward();
    while (characters_ > mark.index && byte_ > 0) back();
    return byte_;
  }
  Pos pos(const yaml_mark_t& mark) {
    const size_t at = byte(mark);
    return {line_, static_cast<uint16_t>(std::min<size_t>(at - line_start_ + 1, 65535)), source_};
  }

 private:
  bool inside_character(size_t at) const {
    return at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80;
  }
  void forward() {
    if (text_[byte_] == '\n') {
      ++line_;
      line_start_ = byte_ + 1;
    }
    ++characters_;
    do ++byte_; while (inside_character(byte_));
  }
  void back() {
    --characters_;
    do --byte_; while (inside_character(byte_));
    if (text_[byte_] != '\n') return;
    --line_;
    const size_t before = byte_ == 0 ? text_.npos : text_.rfind('\n', byte_ - 1);
    line_start_ = before == text_.npos ? 0 : before + 1;
  }

  std::string_view text_;
  uint16_t source_;
  uint32_t line_ = 1;
  size_t characters_ = 0, byte_ = 0, line_start_ = 0;
};

std::string_view view(const yaml_char_t* text) {
  return text != nullptr ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

/// Builds trees from libyaml's events.
class Builder {
 public:
  Builder(Arena& arena, std::string_view text, uint16_t source, Diagnostics& diagnostics,
          const ReadLimits& limits)
      : arena_(arena), text_(text), cursor_(text, source), diagnostics_(diagnostics), limits_(limits) {}

  std::vector<Value> documents;

  /// False: the input is refused, a diagnostic says why.
  bool take(const Event& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        anchors_.clear();
        return true;
      case YAML_SCALAR_EVENT:
        return scalar(event);
      case YAML_ALIAS_EVENT:
        return alias(event);
      case YAML_SEQUENCE_START_EVENT:
        return open(event, false, event.data.sequence_start.anchor, event.data.sequence_start.tag);
      case YAML_MAPPING_START_EVENT:
        return open(event, true, event.data.mapping_start.anchor, event.data.mapping_start.tag);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return close();
      default:
        return true;
    }
  }
  Pos pos(const yaml_mark_t& mark) { return cursor_.pos(mark); }

 private:
  struct Node {
    Value value;
    uint64_t expanded = 1;  // nodes, aliases counted as what they stand for
    size_t depth = 0;       // of lists and maps in each other, aliases likewise; a scalar has none
  };
  /// A list or a map that is not complete yet: what it has so far are the last of items_ or members_.
  struct Frame {
    bool is_map;
    Pos pos;
    size_t first;
    std::string_view anchor;
    uint64_t expanded = 1;
    size_t depth = 1;
    bool has_key = false;
    std::string_view key = {};
    Pos key_pos = {};
    std::vector<Node> merges = {};                   // of `<<`, in the order of writing
    std::unordered_set<std::string_view> seen = {};  // keys, once there are many
  };
  std::span<const Member> members(const Frame& frame) const {
    return std::span(members_).subspan(frame.first);
  }

  Pos place(const Event& event) { return cursor_.pos(event.start_mark); }

  bool refuse(std::string_view code, Pos pos, std::string message, std::string hint = {}) {
    diagnostics_.error(code, pos, {}, std::move(message), std::move(hint));
    return false;
  }

  /// The scalar's text: as it stands in the source when nothing in it is escaped or folded.
  std::string_view scalar_text(const Event& event) {
    const auto& scalar = event.data.scalar;
    const std::string_view read(reinterpret_cast<const char*>(scalar.value), scalar.length);
    if (event.start_mark.line == event.end_mark.line && scalar.tag == nullptr &&
        scalar.anchor == nullptr) {
      const size_t quote = scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1;
      const std::string_view raw = text_.substr(cursor_.byte(event.start_mark) + quote, read.size());
      if (raw == read) return raw.empty() ? std::string_view("", 0) : raw;
    }
    return arena_.copy(read);
  }

  bool scalar(const Event& event) {
    const auto& scalar = event.data.scalar;
    const Pos pos = place(event);
    const bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const std::string_view text = scalar_text(event);
    if (wants_key()) return take_key(text, pos, plain);
    Kind kind = plain ? resolve_plain(text) : Kind::kString;
    if (scalar.tag != nullptr && !tagged(view(scalar.tag), text, pos, kind)) return false;
    const Value value =
        kind == Kind::kNull ? Value::null(pos) : Value::scalar(kind, text, pos);
    return add({value, 1}, arena_.copy(view(scalar.anchor)));
  }

  /// The kind that an explicit tag asks for.
  bool tagged(std::string_view tag, std::string_view text, Pos pos, Kind& kind) {
    constexpr std::string_view kCore = "tag:yaml.org,2002:";
    const Kind plain = resolve_plain(text);
    std::string_view name = tag;
    if (name.starts_with(kCore)) name.remove_prefix(kCore.size());
    bool fits = true;
    if (name == "str" || name == "!") {
      kind = Kind::kString;
    } else if (name == "int" || name == "bool" || name == "null") {
      kind = plain;
      fits = plain == (name == "int" ? Kind::kInt : name == "bool" ? Kind::kBool : Kind::kNull);
    } else if (name == "float") {
      kind = Kind::kFloat;
      fits = plain == Kind::kFloat || plain == Kind::kInt;
    } else {
      return refuse("yaml-tag", pos, fmt::format("the tag {} is not known", printable(tag)),
                    "leave the tag out");
    }
    if (fits) return true;
    return refuse("yaml-tag", pos,
                  fmt::format("\"{}\" is no {}", printable(text), printable(name)));
  }

  bool wants_key() const {
    return !stack_.empty() && stack_.back().is_map && !stack_.back().has_key;
  }

  bool take_key(std::string_view text, Pos pos, bool plain) {
    Frame& frame = stack_.back();
    frame.has_key = true;
    frame.key = text;
    frame.key_pos = pos;
    if (plain && text == "<<") {
      frame.key = {};
      return true;
    }
    const auto before = members(frame);
    if (before.size() >= 32) {
      if (frame.seen.empty())
        for (const Member& member : before) frame.seen.insert(member.key);
      if (frame.seen.insert(text).second) return true;
    }
    const auto first = std::ranges::find(before, text, &Member::key);
    if (first == before.end()) return true;
    Diagnostic& d = diagnostics_.error(
        "yaml-duplicate-key", pos, {}, fmt::format("the key \"{}\" is here twice", printable(text)),
        "Helm would silently take the last one; keep one of them");
    d.related = first->key_pos;
    d.related_message = "first here";
    return true;  // go on: there may be more mistakes
  }

  bool open(const Event& event, bool is_map, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (wants_key())
      return refuse("yaml", place(event), "a key must be a plain name, not a list or a map");
    if (stack_.size() >= limits_.depth) return refuse_depth(place(event));
    const std::string_view name = view(tag);
    if (!name.empty() && name != "tag:yaml.org,2002:map" && name != "tag:yaml.org,2002:seq")
      return refuse("yaml-tag", place(event), fmt::format("the tag {} is not known", printable(name)),
                    "leave the tag out");
    stack_.push_back({is_map, place(event), is_map ? members_.size() : items_.size(),
                      arena_.copy(view(anchor))});
    return true;
  }

  bool close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Value value;
    if (frame.is_map) {
      value = Value::map(arena_, frame.pos, members(frame));
      members_.erase(members_.begin() + static_cast<ptrdiff_t>(frame.first), members_.end());
    } else {
      value = Value::list(arena_, frame.pos, std::span(items_).subspan(frame.first));
      items_.resize(frame.first);
    }
    if (!frame.merges.empty() && !merge_all(value, frame.merges)) return false;
    return add({value, frame.expanded, frame.depth}, frame.anchor);
  }

  using Keys = std::unordered_set<std::string_view>;

  /// `<<`: keys that are not there yet are taken over (YAML 1.1 merge key). Linear in the keys of both
  /// sides, which `expanded` counts.
  bool merge_all(Value& map, const std::vector<Node>& merges) {
    Keys taken;
    for (const Member& member : map.members()) taken.insert(member.key);
    return std::ranges::all_of(
        merges, [&](const Node& merge) { return merge_into(map, taken, merge.value); });
  }

  bool merge_into(Value& map, Keys& taken, const Value& from) {
    if (from.is_list())
      return std::ranges::all_of(
          from.items(), [&](const Value& item) { return merge_into(map, taken, item); });
    if (!from.is_map())
      return refuse("yaml", from.pos(), "<< needs a map or a list of maps");
    for (const Member& member : from.members())
      if (taken.insert(member.key).second)
        map.append(arena_, member.key, member.value, member.key_pos);
    return true;
  }

  bool alias(const Event& event) {
    const Pos pos = place(event);
    if (wants_key()) return refuse("yaml-alias", pos, "an alias cannot be a key");
    const std::string_view name = view(event.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found != anchors_.end()) {
      if (stack_.size() + added_depth(found->second) > limits_.depth) return refuse_depth(pos);
      return add(found->second, {});
    }
    for (const Frame& frame : stack_)
      if (frame.anchor == name)
        return refuse("yaml-alias", pos,
                      fmt::format("the alias *{} stands inside what it names", printable(name)));
    return refuse("yaml-alias", pos,
                  fmt::format("the alias *{} has no anchor &{} before it", printable(name),
                              printable(name)));
  }

  bool refuse_depth(Pos pos) {
    return refuse("yaml-depth", pos,
                  fmt::format("nested more than {} levels deep, aliases counted", limits_.depth));
  }

  /// True when what comes next is the value of `<<`.
  bool at_merge() const {
    return !stack_.empty() && stack_.back().has_key && stack_.back().key.data() == nullptr;
  }

  /// How many levels this node puts below the innermost open container. A merged map, or a list of
  /// such, puts only its values there.
  size_t added_depth(const Node& node) const {
    if (!at_merge()) return node.depth;
    const size_t dropped = node.value.is_list() ? 2 : 1;
    return node.depth > dropped ? node.depth - dropped : 0;
  }

  bool add(Node node, std::string_view anchor) {
    if (!anchor.empty()) anchors_[anchor] = node;
    if (stack_.empty()) {
      documents.push_back(node.value);
      return true;
    }
    Frame& frame = stack_.back();
    frame.depth = std::max(frame.depth, 1 + added_depth(node));
    frame.expanded += node.expanded;
    if (frame.expanded > limits_.expanded_nodes)
      return refuse("yaml-alias", node.value.pos(),
                    fmt::format("the aliases of this file stand for more than {} values",
                                limits_.expanded_nodes),
                    "aliases of aliases of aliases grow without end; write it out");
    if (!frame.is_map) {
      items_.push_back(node.value);
    } else {
      if (frame.key.data() == nullptr)
        frame.merges.push_back(node);
      else
        members_.push_back({frame.key, frame.key_pos, node.value});
      frame.has_key = false;
    }
    return true;
  }

  Arena& arena_;
  std::string_view text_;
  Cursor cursor_;
  Diagnostics& diagnostics_;
  const ReadLimits& limits_;
  std::vector<Frame> stack_;
  std::vector<Value> items_;     // of the lists of the stack
  std::vector<Member> members_;  // of its maps
  std::unordered_map<std::string_view, Node> anchors_;
};

/// True when a line up to this place is indented with a tab.
bool tab_indents(const Sources& sources, Pos pos) {
  for (uint32_t line = pos.line; line + 2 > pos.line && line > 0; --line) {
    const std::string_view text = sources.line({line, 1, pos.source});
    const size_t end = text.find_first_not_of(" \t");
    if (text.substr(0, end).find('\t') != text.npos) return true;
  }
  return false;
}

/// libyaml's own complaint, with the causes that people meet said in plain words.
void report_syntax(const Sources& sources, std::string_view text, Pos pos,
                   const yaml_parser_t& parser, Diagnostics& diagnostics) {
  if (parser.error == YAML_MEMORY_ERROR) {
    diagnostics.error("yaml", pos, {}, "there is not enough memory to read this file");
    return;
  }
  if (tab_indents(sources, pos)) {
    const size_t tab = sources.line(pos).find('\t');
    if (tab != std::string_view::npos) pos.column = static_cast<uint16_t>(tab + 1);
    diagnostics.error("yaml-tab", pos, {}, "a tab cannot indent YAML", "indent with spaces");
    return;
  }
  const std::string problem = parser.problem != nullptr ? parser.problem : "unknown reason";
  const std::string context = parser.context != nullptr ? std::string(parser.context) + ", " : "";
  diagnostics.error("yaml", pos, {}, fmt::format("this is not YAML: {}{}", context, problem),
                    text.find("{{") != text.npos
                        ? "this may be a template; a values file holds plain YAML"
                        : "check the indent and the quotes of this line and the one before");
}

}  // namespace

std::vector<Value> read_all(Arena& arena, const Sources& sources, uint16_t source,
                            Diagnostics& diagnostics, ReadLimits limits) {
  std::string_view text = sources.text(source);
  if (text.size() > limits.bytes) {
    diagnostics.error("yaml-size", {1, 1, source}, {},
                      fmt::format("the file has {} bytes, at most {} are read", text.size(),
                                  limits.bytes));
    return {};
  }
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    diagnostics.error("yaml-utf8", {1, 1, source}, {}, "the file is UTF-16", "save it as UTF-8");
    return {};
  }
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  if (const size_t bad = find_illegal(text); bad != text.npos) {
    const bool nul = text[bad] == '\0';
    diagnostics.error(nul ? "yaml-nul" : "yaml-utf8", pos_of(text, bad, source), {},
                      nul ? "there is a NUL byte here"
                          : fmt::format("the byte 0x{:02X} is no UTF-8 text",
                                        static_cast<unsigned char>(text[bad])),
                      "save the file as UTF-8 text");
    return {};
  }

  Parser parser(text);
  Builder builder(arena, text, source, diagnostics, limits);
  while (true) {
    Event event;
    if (!parser.next(event)) {
      report_syntax(sources, text, builder.pos(parser.failure().problem_mark), parser.failure(),
                    diagnostics);
      break;
    }
    if (event.type == YAML_STREAM_END_EVENT || !builder.take(event)) break;
  }
  return std::move(builder.documents);
}

std::optional<Value> read(Arena& arena, const Sources& sources, uint16_t source,
                          Diagnostics& diagnostics, ReadLimits limits) {
  const size_t errors = diagnostics.errors();
  const std::vector<Value> documents = read_all(arena, sources, source, diagnostics, limits);
  if (documents.size() > 1)
    diagnostics.error("yaml-documents", documents[1].pos(), {},
                      "the file has more than one YAML document",
                      "Helm would read the first only; put them in files of their own");
  if (diagnostics.errors() != errors) return std::nullopt;
  return documents.empty() ? Value::null({1, 1, source}) : documents.front();
}

}  // namespace dbm::yaml
