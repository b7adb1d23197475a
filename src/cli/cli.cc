#include "cli/cli.h"

#include <csignal>
#include <exception>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/program.h"

namespace dbm::cli {
namespace {

constexpr void (*kCommands[])(Command) = {
    add_validate, add_template, add_diff, add_apply, add_uninstall, add_adopt, add_up,      add_status, add_psql,   add_audit,  add_backup, add_backups,
    add_restore,  add_down,     add_schema,  add_explain, add_init,  add_keygen, add_krm,    add_version,
    add_completion, add_man,
    add_rotate, add_rbac,
};

/// kustomize runs a function without arguments and writes a ResourceList to it.
bool is_krm_call(int argc) { return argc == 1 && isatty(STDIN_FILENO) == 0; }

/// The words that a shell wants completed, or kubectl by the file name kubectl_complete-dbm.
std::optional<std::span<char* const>> words_to_complete(int argc, char** argv) {
  const std::span<char* const> words(argv, static_cast<size_t>(argc));
  if (std::string_view(words[0]).ends_with("kubectl_complete-dbm")) return words.subspan(1);
  if (argc > 1 && std::string_view(words[1]) == "__complete") return words.subspan(2);
  return std::nullopt;
}

int parse_and_run(int argc, char** argv) {
  CommandLine line("Many databases, many tenants, on CloudNativePG, from one values file.", program_name(),
                   std::string(kVersion));
  for (const auto add : kCommands) add(line.root());
  if (const auto words = words_to_complete(argc, argv)) return print_candidates(line.root().info(), *words);
  return line.run(argc, argv);
}

/// Memory that was used stays for the next use: a fifth of the time of a large run went into giving
/// pages back and getting them again.
void keep_memory() {
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

}  // namespace

int run(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // passwords will be in memory: no core of them, no debugger of other programs
  keep_memory();
  set_program_name(argv[0]);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, told to the user
  try {
    return is_krm_call(argc) ? run_krm_function() : parse_and_run(argc, argv);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{}: out of memory\n", program_name());
  } catch (const std::exception& bug) {
    fmt::print(stderr, "{}: internal error: {}\n", program_name(), bug.what());
  }
  return kRefused;
}

}  // namespace dbm::cli
