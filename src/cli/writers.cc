#include "cli/writers.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

class YamlWriter : public ObjectWriter {
 public:
  explicit YamlWriter(Stdout& out) : out_(out) {}
  void write(const render::Object& object) override {
    out_.buffer() += "---\n";
    yaml::write_yaml(out_.buffer(), object.value);
    out_.flush_if_large();
  }

 private:
  Stdout& out_;
};

class JsonWriter : public ObjectWriter {
 public:
  explicit JsonWriter(Stdout& out) : out_(out) {
    out_.write("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
  }
  void write(const render::Object& object) override {
    out_.buffer() += first_ ? "\n" : ",\n";
    first_ = false;
    yaml::write_json(out_.buffer(), object.value);
    out_.flush_if_large();
  }
  Result<bool> close() override {
    out_.write("\n]}\n");
    return true;
  }

 private:
  Stdout& out_;
  bool first_ = true;
};

class FolderWriter : public ObjectWriter {
 public:
  FolderWriter(Stdout& out, std::string folder) : out_(out), folder_(std::move(folder)) {}

  void write(const render::Object& object) override {
    if (failed_) return;
    const std::filesystem::path folder = folder_ / file_part(object.ns);
    const std::filesystem::path path =
        folder / fmt::format("{}-{}.yaml", to_lower(file_part(object.kind)), file_part(object.name));
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    text_.clear();
    yaml::write_yaml(text_, object.value);
    if (error)
      fail(folder.string(), error.message());
    else if (!write_file(path.string(), text_, object.kind == "Secret"))
      fail(path.string(), std::strerror(errno));
    else
      out_.write(path.string() + "\n");
  }
  Result<bool> close() override {
    if (failed_) return *failed_;
    return true;
  }

 private:
  /// Names may hold what a path must not (RBAC's do).
  static std::string file_part(std::string_view name) {
    std::string part(name);
    std::ranges::replace(part, '/', '_');
    return part == "." || part == ".." ? "_" : part;
  }
  void fail(const std::string& path, std::string_view why) {
    failed_ = Error{fmt::format("cannot write {}: {}", path, why),
                    "the files that were listed are written, the others are not"};
  }

  Stdout& out_;
  std::filesystem::path folder_;
  std::string text_;
  std::optional<Error> failed_;
};

}  // namespace

std::unique_ptr<ObjectWriter> yaml_writer(Stdout& out) { return std::make_unique<YamlWriter>(out); }
std::unique_ptr<ObjectWriter> json_writer(Stdout& out) { return std::make_unique<JsonWriter>(out); }
std::unique_ptr<ObjectWriter> folder_writer(Stdout& out, std::string folder) {
  return std::make_unique<FolderWriter>(out, std::move(folder));
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
