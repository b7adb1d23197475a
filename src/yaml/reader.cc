#include "yaml/reader.h"

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <libfyaml.h>

#include "base/text.h"

namespace dbm::yaml {
namespace {

using Parser = std::unique_ptr<fy_parser, decltype(&fy_parser_destroy)>;

constexpr std::string_view kBom = "\xEF\xBB\xBF";

/// The place of a byte of the text.
Pos pos_of(std::string_view text, size_t offset, uint16_t source) {
  const std::string_view before = text.substr(0, offset);
  size_t line = 1, start = 0;
  for (size_t i = 0; (i = before.find('\n', i)) != before.npos;) ++line, start = ++i;
  return {static_cast<uint32_t>(line),
          static_cast<uint16_t>(std::min<size_t>(offset - start + 1, 65535)), source};
}

/// Offset of the first byte that cannot stand in a YAML text, or npos: NUL, other control
/// characters and what is no UTF-8 (YAML 1.2.2, 5.1).
size_t find_illegal(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const size_t n = text.size();
  const auto tail = [&](size_t i) { return i < n && (p[i] & 0xC0) == 0x80; };
  for (size_t i = 0; i < n;) {
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

/// Where brackets are open that deep that no file means it; libfyaml would keep a token of each in
/// memory before it says anything. Quotes and comments do not count here, so the bound is far above
/// ReadLimits::depth.
size_t find_too_deep(std::string_view text) {
  constexpr size_t kOpen = 20'000;
  size_t open = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '[' || c == '{') {
      if (++open > kOpen) return i;
    } else if ((c == ']' || c == '}') && open > 0) {
      --open;
    }
  }
  return text.npos;
}

/// Builds trees from libfyaml's events.
class Builder {
 public:
  Builder(Arena& arena, std::string_view text, uint16_t source, Diagnostics& diagnostics,
          const ReadLimits& limits)
      : arena_(arena), text_(text), source_(source), diagnostics_(diagnostics), limits_(limits) {}

  std::vector<Value> documents;

  /// False: the input is refused, a diagnostic says why.
  bool take(fy_event* event) {
    switch (event->type) {
      case FYET_DOCUMENT_START:
        anchors_.clear();
        return true;
      case FYET_SCALAR:
        return scalar(event);
      case FYET_ALIAS:
        return alias(event);
      case FYET_SEQUENCE_START:
        return open(event, Value::list(arena_, place(event)), event->sequence_start.anchor,
                    event->sequence_start.tag);
      case FYET_MAPPING_START:
        return open(event, Value::map(arena_, place(event)), event->mapping_start.anchor,
                    event->mapping_start.tag);
      case FYET_SEQUENCE_END:
      case FYET_MAPPING_END:
        return close();
      default:
        return true;
    }
  }

 private:
  struct Node {
    Value value;
    uint64_t expanded = 1;  // nodes, aliases counted as what they stand for
  };
  struct Frame {
    Node node;
    std::string_view anchor;
    bool has_key = false;
    std::string_view key;
    Pos key_pos;
    std::vector<Node> merges;                    // of `<<`, in the order of writing
    std::unordered_set<std::string_view> seen;   // keys, once there are many
  };

  Pos place(fy_event* event) const {
    const fy_mark* mark = fy_event_start_mark(event);
    if (mark == nullptr) return {1, 1, source_};
    return {static_cast<uint32_t>(mark->line + 1),
            static_cast<uint16_t>(std::min(mark->column + 1, 65535)), source_};
  }

  bool refuse(std::string_view code, Pos pos, std::string message, std::string hint = {}) {
    diagnostics_.error(code, pos, {}, std::move(message), std::move(hint));
    return false;
  }

  std::string_view token_text(fy_token* token) {
    size_t length = 0;
    const char* data = token != nullptr ? fy_token_get_text(token, &length) : nullptr;
    if (data == nullptr) return std::string_view("", 0);
    const bool in_source = data >= text_.data() && data + length <= text_.data() + text_.size();
    return in_source ? std::string_view(data, length) : arena_.copy({data, length});
  }

  /// The scalar's text: as it stands in the source when nothing in it is escaped or folded.
  std::string_view scalar_text(fy_event* event, fy_scalar_style style) {
    const fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    if (start == nullptr || end == nullptr || start->line != end->line ||
        end->input_pos > text_.size() || start->input_pos > end->input_pos)
      return token_text(event->scalar.value);
    // The marks of a quoted scalar stand inside its quotes.
    const std::string_view raw =
        text_.substr(start->input_pos, end->input_pos - start->input_pos);
    const bool as_is = style == FYSS_PLAIN ||
                       (style == FYSS_DOUBLE_QUOTED && raw.find('\\') == raw.npos) ||
                       (style == FYSS_SINGLE_QUOTED && raw.find('\'') == raw.npos);
    return as_is ? raw : token_text(event->scalar.value);
  }

  static std::string_view tag_text(fy_token* tag) {
    size_t length = 0;
    const char* text = tag != nullptr ? fy_token_get_text(tag, &length) : nullptr;
    return text != nullptr ? std::string_view(text, length) : std::string_view();
  }

  bool scalar(fy_event* event) {
    Pos pos = place(event);
    const fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    const bool plain = style == FYSS_PLAIN;
    const bool quoted = style == FYSS_DOUBLE_QUOTED || style == FYSS_SINGLE_QUOTED;
    if (quoted && pos.column > 1) --pos.column;  // libfyaml's is that of the content
    const std::string_view text = scalar_text(event, style);
    // libfyaml 0.7 counts some folded blocks longer than they are and leaves the rest to chance.
    if (style != FYSS_DOUBLE_QUOTED && find_illegal(text) != text.npos)
      return refuse("yaml", pos, "this text of several lines cannot be read",
                    "write it as a literal block (|) or in double quotes");
    if (wants_key()) return take_key(text, pos, plain);
    Kind kind = plain ? resolve_plain(text) : Kind::kString;
    if (event->scalar.tag != nullptr && !tagged(tag_text(event->scalar.tag), text, pos, kind))
      return false;
    const Value value =
        kind == Kind::kNull ? Value::null(pos) : Value::scalar(kind, text, pos);
    return add({value, 1}, token_text(event->scalar.anchor));
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
    return !stack_.empty() && stack_.back().node.value.is_map() && !stack_.back().has_key;
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
    const Member* first = nullptr;
    const auto members = frame.node.value.members();
    if (members.size() < 32) {
      first = frame.node.value.find_member(text);
    } else {
      if (frame.seen.empty())
        for (const Member& member : members) frame.seen.insert(member.key);
      if (frame.seen.contains(text)) first = frame.node.value.find_member(text);
      frame.seen.insert(text);
    }
    if (first == nullptr) return true;
    Diagnostic& d = diagnostics_.error(
        "yaml-duplicate-key", pos, {}, fmt::format("the key \"{}\" is here twice", printable(text)),
        "Helm would silently take the last one; keep one of them");
    d.related = first->key_pos;
    d.related_message = "first here";
    return true;  // go on: there may be more mistakes
  }

  bool open(fy_event* event, Value value, fy_token* anchor, fy_token* tag) {
    if (wants_key())
      return refuse("yaml", place(event), "a key must be a plain name, not a list or a map");
    if (static_cast<int>(stack_.size()) >= limits_.depth)
      return refuse("yaml-depth", place(event),
                    fmt::format("lists and maps are nested more than {} deep", limits_.depth));
    const std::string_view name = tag_text(tag);
    if (!name.empty() && name != "tag:yaml.org,2002:map" && name != "tag:yaml.org,2002:seq")
      return refuse("yaml-tag", place(event), fmt::format("the tag {} is not known", printable(name)),
                    "leave the tag out");
    stack_.emplace_back();
    stack_.back().node.value = value;
    stack_.back().anchor = token_text(anchor);
    return true;
  }

  bool close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    for (const Node& merge : frame.merges)
      if (!merge_into(frame.node.value, merge.value)) return false;
    return add(frame.node, frame.anchor);
  }

  /// `<<`: keys that are not there yet are taken over (YAML 1.1 merge key).
  bool merge_into(Value& map, const Value& from) {
    if (from.is_list()) {
      for (const Value& item : from.items())
        if (!merge_into(map, item)) return false;
      return true;
    }
    if (!from.is_map())
      return refuse("yaml", from.pos(), "<< needs a map or a list of maps");
    for (const Member& member : from.members())
      if (map.find_member(member.key) == nullptr)
        map.append(arena_, member.key, member.value, member.key_pos);
    return true;
  }

  bool alias(fy_event* event) {
    Pos pos = place(event);  // libfyaml's is that of the name
    if (pos.column > 1) --pos.column;
    if (wants_key()) return refuse("yaml-alias", pos, "an alias cannot be a key");
    const std::string_view name = token_text(event->alias.anchor);
    const auto found = anchors_.find(name);
    if (found != anchors_.end()) return add(found->second, {});
    for (const Frame& frame : stack_)
      if (frame.anchor == name)
        return refuse("yaml-alias", pos,
                      fmt::format("the alias *{} stands inside what it names", printable(name)));
    return refuse("yaml-alias", pos,
                  fmt::format("the alias *{} has no anchor &{} before it", printable(name),
                              printable(name)));
  }

  bool add(Node node, std::string_view anchor) {
    if (!anchor.empty()) anchors_[anchor] = node;
    if (stack_.empty()) {
      documents.push_back(node.value);
      return true;
    }
    Frame& frame = stack_.back();
    frame.node.expanded += node.expanded;
    if (frame.node.expanded > limits_.expanded_nodes)
      return refuse("yaml-alias", node.value.pos(),
                    fmt::format("the aliases of this file stand for more than {} values",
                                limits_.expanded_nodes),
                    "aliases of aliases of aliases grow without end; write it out");
    if (frame.node.value.is_list()) {
      frame.node.value.push(arena_, node.value);
    } else {
      if (frame.key.data() == nullptr)
        frame.merges.push_back(node);
      else
        frame.node.value.append(arena_, frame.key, node.value, frame.key_pos);
      frame.has_key = false;
    }
    return true;
  }

  Arena& arena_;
  std::string_view text_;
  uint16_t source_;
  Diagnostics& diagnostics_;
  const ReadLimits& limits_;
  std::vector<Frame> stack_;
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

/// libfyaml's own complaint, with the causes that people meet said in plain words.
void report_syntax(const Sources& sources, uint16_t source, std::string_view text, fy_diag* diag,
                   Diagnostics& diagnostics) {
  void* iterator = nullptr;
  const fy_diag_error* error = fy_diag_errors_iterate(diag, &iterator);
  Pos pos{1, 1, source};
  std::string message = "this is not YAML";
  if (error != nullptr) {
    pos.line = static_cast<uint32_t>(std::max(error->line, 1));
    pos.column = static_cast<uint16_t>(std::min(std::max(error->column, 1), 65535));
    message = fmt::format("this is not YAML: {}", printable(error->msg, 200));
  }
  if (tab_indents(sources, pos)) {
    const std::string_view line = sources.line(pos);
    const size_t tab = line.find('\t');
    if (tab != line.npos) pos.column = static_cast<uint16_t>(tab + 1);
    diagnostics.error("yaml-tab", pos, {}, "a tab cannot indent YAML", "indent with spaces");
  } else if (message.find("depth") != message.npos) {
    diagnostics.error("yaml-depth", pos, {}, "lists and maps are nested too deep");
  } else {
    diagnostics.error("yaml", pos, {}, std::move(message),
                      text.find("{{") != text.npos
                          ? "this may be a template; a values file holds plain YAML"
                          : "check the indent and the quotes of this line and the one before");
  }
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

  if (const size_t deep = find_too_deep(text); deep != text.npos) {
    diagnostics.error("yaml-depth", pos_of(text, deep, source), {},
                      "lists and maps are nested too deep");
    return {};
  }

  fy_diag_cfg diag_config;
  fy_diag_cfg_default(&diag_config);
  diag_config.fp = nullptr;
  const std::unique_ptr<fy_diag, decltype(&fy_diag_destroy)> diag(fy_diag_create(&diag_config),
                                                                  &fy_diag_destroy);
  fy_diag_set_collect_errors(diag.get(), true);
  fy_parse_cfg config{};
  config.flags = static_cast<fy_parse_cfg_flags>(
      FYPCF_QUIET | FYPCF_DISABLE_MMAP_OPT | FYPCF_DEFAULT_VERSION_1_1 | FYPCF_JSON_NONE |
      FYPCF_ALLOW_DUPLICATE_KEYS);
  config.diag = diag.get();
  const Parser parser(fy_parser_create(&config), &fy_parser_destroy);
  if (!parser || fy_parser_set_string(parser.get(), text.data(), text.size()) != 0) {
    diagnostics.error("yaml", {1, 1, source}, {}, "the YAML reader could not be started");
    return {};
  }

  Builder builder(arena, text, source, diagnostics, limits);
  bool good = true;
  while (good) {
    fy_event* event = fy_parser_parse(parser.get());
    if (event == nullptr) break;
    const bool end = event->type == FYET_STREAM_END;
    good = builder.take(event);
    fy_parser_event_free(parser.get(), event);
    if (end) break;
  }
  if (good && fy_parser_get_stream_error(parser.get()))
    report_syntax(sources, source, text, diag.get(), diagnostics);
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
