#pragma once

// Groups of flags that commands share.

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "render/render.h"

namespace dbm::cli {

struct ValueFlags {
  std::vector<std::string> files;
  /// --set flags of all kinds in the order that Helm applies them: json, set, string, file.
  std::vector<std::string> set, set_string, set_file, set_json;
  std::string cnpg_version;
  bool lenient = false, strict = false;
  render::Options render;

  void add_to(CLI::App& command);
};

struct PasswordFlags {
  std::string key_file;
  void add_to(CLI::App& command);
};

/// Of the commands that work on this machine.
struct LocalFlags {
  std::string dir, user, pg_bin;
  void add_to(CLI::App& command);
};

}  // namespace dbm::cli
