#include "cli/finish.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/program.h"
#include "cli/report.h"

namespace dbm::cli {
namespace {

bool use_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

void print(std::string_view severity, std::string_view message, std::string_view hint) {
  fmt::print(stderr, "{}: {}: {}\n", program_name(), severity, as_called(message));
  if (!hint.empty()) fmt::print(stderr, "  help: {}\n", as_called(hint));
}

}  // namespace

void print_diagnostics(const Input& input) {
  const std::string text = report_text(input.sources, input.diagnostics, use_colour());
  fmt::print(stderr, "{}", text);
}

void print_error(const Error& error) { print("error", error.message, error.hint); }

void print_warning(std::string_view message, std::string_view hint) {
  print("warning", message, hint);
}

int exit_code(const Input& input) {
  for (const Diagnostic& d : input.diagnostics.items())
    if (d.code == "usage") return kUsage;
  return input.diagnostics.has_errors() ? kRefused : kDone;
}

int finish(Stdout& out, int exit) {
  if (out.flush()) return exit;
  print_error({fmt::format("cannot write the result: {}", out.error() == EPIPE
                                                              ? "its reader closed the pipe"
                                                              : std::strerror(out.error())),
               "what was printed is not complete"});
  return kRefused;
}

}  // namespace dbm::cli
