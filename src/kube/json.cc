#include "kube/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include <vector>

namespace dbm::kube {
namespace {

using boost::json::string_view;
using boost::system::error_code;
using yaml::Value;

constexpr size_t kDepth = 200;  // of lists and maps in each other

/// Builds a tree of the parser's calls. What a container has so far are the last of members_ or
/// items_; it is made when it is complete, as large as it has to be.
class Handler {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = UINT32_MAX;

  Handler(yaml::Arena& arena, std::string_view text) : arena_(arena), text_(text) {}
  const Value& result() const { return result_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(members_.size()); }
  bool on_object_end(size_t, error_code&) {
    const Frame frame = close();
    const Value made = Value::map(arena_, {}, std::span(members_).subspan(frame.first));
    members_.resize(frame.first);
    return add(made);
  }
  bool on_array_begin(error_code&) {
    open(items_.size());
    frames_.back().is_list = true;
    return true;
  }
  bool on_array_end(size_t, error_code&) {
    const Frame frame = close();
    const Value made = Value::list(arena_, {}, std::span(items_).subspan(frame.first));
    items_.resize(frame.first);
    return add(made);
  }
  bool on_key_part(string_view part, size_t, error_code&) { return more(part); }
  bool on_key(string_view last, size_t, error_code&) {
    frames_.back().key = whole(last);
    return true;
  }
  bool on_string_part(string_view part, size_t, error_code&) { return more(part); }
  bool on_string(string_view last, size_t, error_code&) { return add(Value::string(whole(last))); }
  bool on_number_part(string_view part, error_code&) { return more(part); }
  bool on_int64(int64_t, string_view last, error_code&) { return number(yaml::Kind::kInt, last); }
  bool on_uint64(uint64_t, string_view last, error_code&) { return number(yaml::Kind::kFloat, last); }  // over int64
  bool on_double(double, string_view last, error_code&) { return number(yaml::Kind::kFloat, last); }
  bool on_bool(bool b, error_code&) { return add(Value::boolean(b)); }
  bool on_null(error_code&) { return add(Value::null()); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  struct Frame {
    size_t first;
    std::string_view key = {};
    bool is_list = false;
  };

  bool open(size_t first) {
    frames_.push_back({first});
    return true;
  }
  Frame close() {
    const Frame frame = frames_.back();
    frames_.pop_back();
    return frame;
  }
  bool add(const Value& value) {
    if (frames_.empty())
      result_ = value;
    else if (frames_.back().is_list)
      items_.push_back(value);
    else
      members_.push_back({frames_.back().key, {}, value});
    return true;
  }
  bool number(yaml::Kind kind, string_view last) { return add(Value::scalar(kind, whole(last))); }
  bool more(string_view part) {
    parts_.append(part.data(), part.size());
    return true;
  }
  /// A text that is complete now: where it stands, when it stands in the input as it is.
  std::string_view whole(string_view last) {
    if (parts_.empty()) {
      const std::string_view text(last.data(), last.size());
      const bool stays = last.data() >= text_.data() && last.data() + last.size() <= text_.data() + text_.size();
      return stays ? text : arena_.copy(text);
    }
    more(last);
    const std::string_view text = arena_.copy(parts_);
    parts_.clear();
    return text;
  }

  yaml::Arena& arena_;
  std::string_view text_;
  std::vector<Frame> frames_;
  std::vector<yaml::Member> members_;
  std::vector<Value> items_;
  std::string parts_;
  Value result_;
};

}  // namespace

Result<Value> read_json(yaml::Arena& arena, std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepth;
  boost::json::basic_parser<Handler> parser(options, arena, text);
  error_code failure;
  const size_t read = parser.write_some(false, text.data(), text.size(), failure);
  if (!failure && read < text.size() && text.find_first_not_of(" \t\r\n", read) != text.npos)
    failure = boost::json::error::extra_data;
  if (failure)
    return Error{fmt::format("this is no JSON: {} at byte {} of {}", failure.message(), read, text.size()), {}};
  return parser.handler().result();
}

}  // namespace dbm::kube
