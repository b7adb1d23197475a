#pragma once

// Where rendered objects go: YAML documents or a JSON List on standard output, or a folder.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "render/render.h"

namespace dbm::cli {

/// What the result looks like: `begin`, the objects' texts with `separator` between, `end`. Threads: one, but for a writer
/// that is_concurrent(): text_of() from any number at once.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual bool is_concurrent() const { return true; }
  virtual std::string_view begin() const { return {}; }
  virtual std::string_view separator() const { return {}; }
  virtual std::string_view end() const { return {}; }
  /// Appends what is to be printed for an object.
  virtual void text_of(const render::Object& object, std::string& out) = 0;
  /// What went wrong so far.
  virtual std::optional<Error> failure() const { return std::nullopt; }
};

std::unique_ptr<ObjectWriter> yaml_writer();
/// A v1 List, one object a line.
std::unique_ptr<ObjectWriter> json_writer();
/// DIR/NAMESPACE/KIND-NAME.yaml (DIR/KIND-NAME.yaml for what has no namespace); the files of Secrets
/// have mode 0600. Prints the path of each file.
std::unique_ptr<ObjectWriter> folder_writer(std::string folder);

/// KIND/NAME, KIND or /NAME patterns of --show-only; the kind in any case.
class Selection {
 public:
  explicit Selection(const std::vector<std::string>& patterns);
  bool takes(const render::Object& object);
  /// The patterns that no object matched.
  std::vector<std::string> unused() const;

 private:
  struct Pattern {
    std::string text, kind, name;  // kind in lower case; empty: any
    bool used = false;
  };
  std::vector<Pattern> patterns_;
};

}  // namespace dbm::cli
