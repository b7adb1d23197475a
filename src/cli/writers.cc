#include "cli/writers.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/io.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

class YamlWriter : public ObjectWriter {
 public:
  void text_of(const render::Object& object, std::string& out) override {
    out += "---\n";
    yaml::write_yaml(out, object.value);
  }
};

class JsonWriter : public ObjectWriter {
 public:
  std::string_view begin() const override {
    return "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n";
  }
  std::string_view separator() const override { return ",\n"; }
  std::string_view end() const override { return "\n]}\n"; }
  void text_of(const render::Object& object, std::string& out) override {
    yaml::write_json(out, object.value);
  }
};

class FolderWriter : public ObjectWriter {
 public:
  explicit FolderWriter(std::string folder) : folder_(std::move(folder)) {}

  bool is_concurrent() const override { return false; }
  std::optional<Error> failure() const override { return failed_; }

  void text_of(const render::Object& object, std::string& out) override {
    if (failed_) return;
    const std::filesystem::path folder = folder_ / file_part(object.ns);
    const std::filesystem::path path =
        folder / fmt::format("{}-{}.yaml", to_lower(file_part(object.kind)), file_part(object.name));
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    text_.clear();
    yaml::write_yaml(text_, object.value);
    if (error)
      fail(fmt::format("cannot write {}: {}", folder.string(), error.message()));
    else if (const Status written = write_file(path.string(), text_, object.kind == "Secret"); !written)
      fail(written.error().message);
    else
      out += path.string() + "\n";
  }

 private:
  /// Names may hold what a path must not (RBAC's do).
  static std::string file_part(std::string_view name) {
    std::string part(name);
    std::ranges::replace(part, '/', '_');
    return part == "." || part == ".." ? "_" : part;
  }
  void fail(std::string message) {
    failed_ = Error{std::move(message),
                    "the files that were listed are written, the others are not"};
  }

  std::filesystem::path folder_;
  std::string text_;
  std::optional<Error> failed_;
};

}  // namespace

std::unique_ptr<ObjectWriter> yaml_writer() { return std::make_unique<YamlWriter>(); }
std::unique_ptr<ObjectWriter> json_writer() { return std::make_unique<JsonWriter>(); }
std::unique_ptr<ObjectWriter> folder_writer(std::string folder) {
  return std::make_unique<FolderWriter>(std::move(folder));
}

Selection::Selection(const std::vector<std::string>& patterns) {
  for (const std::string& text : patterns) {
    const size_t slash = text.find('/');
    Pattern pattern{text, to_lower(text.substr(0, slash)), {}};
    if (slash != text.npos) pattern.name = text.substr(slash + 1);
    patterns_.push_back(std::move(pattern));
  }
}

bool Selection::takes(const render::Object& object) {
  if (patterns_.empty()) return true;
  bool taken = false;
  for (Pattern& pattern : patterns_) {
    const bool matches = (pattern.kind.empty() || pattern.kind == to_lower(object.kind)) &&
                         (pattern.name.empty() || pattern.name == object.name);
    pattern.used |= matches;
    taken |= matches;
  }
  return taken;
}

std::vector<std::string> Selection::unused() const {
  std::vector<std::string> unused;
  for (const Pattern& pattern : patterns_)
    if (!pattern.used) unused.push_back(pattern.text);
  return unused;
}

}  // namespace dbm::cli
