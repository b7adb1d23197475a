#pragma once

// One function a command: adds it with its flags; when the command is chosen, parsing runs it and
// its exit code lands in `exit`. To add a command: a function here, a file for it, a row in cli.cc.
// Shells complete an option's value when its type_name() is FILE or DIR, or it has CLI::IsMember.

#include <span>

#include <CLI/CLI.hpp>

#include "cli/cli.h"

namespace dbm::cli {

void add_adopt(CLI::App& app, int& exit);
void add_apply(CLI::App& app, int& exit);
void add_audit(CLI::App& app, int& exit);
void add_backup(CLI::App& app, int& exit);
void add_backups(CLI::App& app, int& exit);
void add_completion(CLI::App& app, int& exit);
void add_diff(CLI::App& app, int& exit);
void add_down(CLI::App& app, int& exit);
void add_explain(CLI::App& app, int& exit);
void add_init(CLI::App& app, int& exit);
void add_keygen(CLI::App& app, int& exit);
void add_krm(CLI::App& app, int& exit);
void add_man(CLI::App& app, int& exit);
void add_psql(CLI::App& app, int& exit);
void add_rbac(CLI::App& app, int& exit);
void add_restore(CLI::App& app, int& exit);
void add_rotate(CLI::App& app, int& exit);
void add_schema(CLI::App& app, int& exit);
void add_status(CLI::App& app, int& exit);
void add_template(CLI::App& app, int& exit);
void add_uninstall(CLI::App& app, int& exit);
void add_up(CLI::App& app, int& exit);
void add_validate(CLI::App& app, int& exit);
void add_version(CLI::App& app, int& exit);

/// The KRM function protocol on standard input and output (cmd_krm.cc).
int run_krm_function();
/// What may come next on a command line (cmd_completion.cc).
int print_candidates(const CLI::App& app, std::span<char* const> words);

}  // namespace dbm::cli
