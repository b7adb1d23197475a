#pragma once

// One function per command: adds it, with its flags, to the program. To add a command: a function here, a file for it,
// a row in cli.cc. Shells complete the value of an option that is a file(), a folder() or has choices().

#include <span>

#include "cli/cli.h"
#include "cli/command.h"

namespace dbm::cli {

void add_adopt(Command program);
void add_apply(Command program);
void add_audit(Command program);
void add_backup(Command program);
void add_backups(Command program);
void add_completion(Command program);
void add_diff(Command program);
void add_down(Command program);
void add_explain(Command program);
void add_init(Command program);
void add_keygen(Command program);
void add_krm(Command program);
void add_man(Command program);
void add_psql(Command program);
void add_rbac(Command program);
void add_restore(Command program);
void add_rotate(Command program);
void add_schema(Command program);
void add_status(Command program);
void add_template(Command program);
void add_uninstall(Command program);
void add_up(Command program);
void add_validate(Command program);
void add_version(Command program);

/// The KRM function protocol on standard input and output (cmd_krm.cc).
int run_krm_function();
/// What may come next on a command line (cmd_completion.cc).
int print_candidates(const CommandInfo& program, std::span<char* const> words);

}  // namespace dbm::cli
