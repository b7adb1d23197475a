#include "audit/hba_rule.h"

#include <algorithm>

namespace dbm::audit {
namespace {

/// A field of a line: names with commas between.
struct Field {
  std::vector<HbaToken> tokens;
  bool included = false;  // an @file: its names stand elsewhere
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// One logical line, read as hba.c does (next_token, next_field_expand).
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  bool next(Field& field) {
    field = {};
    bool comma = true, any = false;
    while (comma) {
      HbaToken token;
      if (!next_token(token, comma)) break;
      any = true;
      field.included |=
          token.quoted == Quoted::kNo && token.text.starts_with('@') && token.text.size() > 1;
      field.tokens.push_back(std::move(token));
    }
    return any;
  }

 private:
  bool next_token(HbaToken& token, bool& comma) {
    comma = false;
    token.quoted = Quoted::kNo;
    while (!rest_.empty() && (is_blank(rest_[0]) || rest_[0] == ',')) rest_.remove_prefix(1);
    bool in_quote = false, was_quote = false, saw_quote = false;
    while (!rest_.empty() && (!is_blank(rest_[0]) || in_quote)) {
      const char c = rest_[0];
      if (c == '#' && !in_quote) {
        rest_ = {};
        break;
      }
      rest_.remove_prefix(1);
      if (c == ',' && !in_quote) {
        comma = true;
        break;
      }
      if (c != '"' || was_quote) token.text += c;
      was_quote = in_quote && c == '"' && !was_quote;
      if (c != '"') continue;
      in_quote = !in_quote;
      saw_quote = true;
      if (token.text.empty()) token.quoted = Quoted::kYes;
    }
    return saw_quote || !token.text.empty();
  }

  std::string_view rest_;
};

/// The line that begins at number `number`, with the lines that a `\` at the end joins to it.
std::string logical_line(const std::vector<std::string_view>& lines, size_t number) {
  std::string out;
  for (size_t i = number - 1; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    out += line;
    if (!goes_on) break;
  }
  return out;
}

/// Takes over the quotes when both hold the same names.
void take_quotes(std::vector<HbaToken>& shown, const Field& field) {
  const auto same = [](const HbaToken& a, const HbaToken& b) { return a.text == b.text; };
  if (!field.included && std::ranges::equal(shown, field.tokens, same)) shown = field.tokens;
}

}  // namespace

void mark_quoted(std::vector<HbaRule>& rules, std::string_view file, std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (HbaRule& rule : rules) {
    if ((!file.empty() && rule.file != file) || rule.line < 1 || rule.broken()) continue;
    const std::string line = logical_line(lines, static_cast<size_t>(rule.line));
    LineReader reader(line);
    Field field;
    if (!reader.next(field)) continue;  // the type
    if (reader.next(field)) take_quotes(rule.databases, field);
    if (reader.next(field)) take_quotes(rule.users, field);
  }
}

std::vector<std::string> parse_text_array(std::string_view text) {
  std::vector<std::string> out;
  if (text.size() < 2 || text == "{}") return out;
  text = text.substr(1, text.size() - 2);
  std::string item;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      item += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      out.push_back(std::move(item));
      item.clear();
    } else {
      item += c;
    }
  }
  out.push_back(std::move(item));
  return out;
}

}  // namespace dbm::audit
