#pragma once

// Groups of flags that commands share.

#include <chrono>
#include <string>
#include <vector>

#include "cli/command.h"
#include "values/read.h"

namespace dbm::cli {

struct ValueFlags : values::Inputs, values::CheckOptions {
  void add_to(Command command);
  /// As the command line says it; empty: it does not.
  std::string given_namespace() const { return ns_option.given() ? render.ns : std::string(); }

 private:
  Option ns_option;
};

/// Of commands that look at a release without its file.
struct ReleaseFlags {
  std::string name = "databases";
  std::string ns;  // empty: the context's
  void add_to(Command command);
};

/// Which API server, and how long for it.
struct KubeFlags {
  std::string kubeconfig, context;
  std::chrono::seconds timeout{300};
  void add_to(Command command);

 private:
  std::string timeout_text = "5m";
};

struct PasswordFlags {
  std::string key_file;
  void add_to(Command command);
};

/// Of the commands that work on this machine.
struct LocalFlags {
  std::string dir, user, pg_bin;
  void add_to(Command command);
};

}  // namespace dbm::cli
