#pragma once

// How commands end: the result on standard output, what is to be said on standard error.

#include "base/result.h"
#include "cli/input.h"
#include "cli/io.h"

namespace dbm::cli {

/// Prints the diagnostics to standard error, coloured when it is a terminal and NO_COLOR is unset.
void print_diagnostics(const Input& input);
/// Prints "cnpg-dbm: error: message" and the hint to standard error.
void print_error(const Error& error);
void print_warning(std::string_view message, std::string_view hint = {});

/// What the diagnostics make of the run: kDone, kRefused or kUsage.
int exit_code(const Input& input);

/// Flushes the result; the exit code, kRefused with a message when it could not be written.
int finish(Stdout& out, int exit);

}  // namespace dbm::cli
