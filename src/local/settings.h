#pragma once

// postgresql.conf of a local server: the parameters that the Cluster object names, made to fit this
// machine and this PostgreSQL, with what CloudNativePG sets itself. Pure but for the two functions
// that ask the machine. Threads: any.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "local/programs.h"
#include "yaml/value.h"

namespace dbm::local {

/// What the server's program knows (postgres --describe-config): name -> context ("postmaster",
/// "sighup", "user", …). Parameters that it hides there (developers') are asked for one by one.
struct KnownParameters {
  std::map<std::string, std::string, std::less<>> contexts;
  /// Asks the program once; kept in `cache`, a folder, until the program changes.
  static Result<KnownParameters> ask(const Postgres& postgres, const std::filesystem::path& cache);
};

struct Machine {
  int64_t memory = 0;  // bytes
  int servers = 1;     // PostgreSQL servers that share it
  static int64_t physical_memory();
};

struct Parameters {
  std::map<std::string, std::string> values;
  std::vector<std::string> notices;  // what was left out or made smaller, and why
};

/// `spec` is Cluster.spec. `libraries` holds shared_preload_libraries' files.
Parameters parameters_of(const yaml::Value& spec, const KnownParameters& known,
                         const Machine& machine, const std::filesystem::path& libraries);

/// postgresql.conf of these parameters: sorted, values quoted.
std::string config_text(const std::map<std::string, std::string>& parameters);

/// A size as PostgreSQL reads it ("256MB", "16384" in `unit` bytes); nothing when it is none.
std::optional<int64_t> parse_memory(std::string_view text, int64_t unit);

}  // namespace dbm::local
