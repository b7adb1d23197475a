#pragma once

// Where rendered objects go: YAML documents or a JSON List on standard output, or a folder.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/io.h"
#include "render/render.h"

namespace dbm::cli {

/// Takes objects one at a time. Threads: one.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual void write(const render::Object& object) = 0;
  /// After the last object. An error when something could not be written.
  virtual Result<bool> close() { return true; }
};

std::unique_ptr<ObjectWriter> yaml_writer(Stdout& out);
/// A v1 List, one object a line.
std::unique_ptr<ObjectWriter> json_writer(Stdout& out);
/// DIR/NAMESPACE/KIND-NAME.yaml (DIR/KIND-NAME.yaml for what has no namespace); the files of Secrets
/// have mode 0600. Prints the path of each file.
std::unique_ptr<ObjectWriter> folder_writer(Stdout& out, std::string folder);

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
