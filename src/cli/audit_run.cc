#include "cli/audit_run.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "audit/report.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/finish.h"
#include "cli/io.h"

namespace dbm::cli {
namespace {

audit::ReportOptions report_options() {
  audit::ReportOptions out;
  out.width = 1000;  // into a file, lines may be long
  if (isatty(STDOUT_FILENO) == 0) return out;
  const char* no_colour = std::getenv("NO_COLOR");
  out.colour = no_colour == nullptr || *no_colour == '\0';
  winsize size{};
  out.width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  return out;
}

/// A line that counts, on a terminal only, gone when all is done.
void show_progress(size_t done, size_t all) {
  if (isatty(STDERR_FILENO) == 0) return;
  if (done < all)
    fmt::print(stderr, "\r{} of {} logins tried", done, all);
  else
    fmt::print(stderr, "\r\x1B[K");
}

std::string text_of(const std::vector<audit::Fixed>& fixed) {
  if (fixed.empty()) return "nothing to mend\n\n";
  std::string out = "mended:\n";
  for (const audit::Fixed& one : fixed)
    out += one.failure.empty()
               ? fmt::format("  {}\n", one.action)
               : fmt::format("  not done: {}: {}\n", one.action, printable(one.failure, 200));
  return out + "\n";
}

}  // namespace

int run_audit(const sql::Desired& desired, const audit::Targets& targets,
              const audit::Options& given, const AuditOutput& output) {
  audit::Options options = given;
  if (!options.attempt.progress) options.attempt.progress = show_progress;
  std::vector<audit::Fixed> fixed;
  if (output.fix) {
    audit::Options quick = options;  // what can be mended is in the catalogs
    quick.attempts = audit::Sample::kNone;
    const auto before = audit::run(desired, targets, quick);
    auto done = before ? audit::fix(*before, desired, targets, quick)
                       : Result<std::vector<audit::Fixed>>(before.error());
    if (!done) {
      print_error(done.error());
      return kRefused;
    }
    fixed = std::move(*done);
  }
  const auto audit = audit::run(desired, targets, options);
  if (!audit) {
    print_error(audit.error());
    return kRefused;
  }
  Stdout out;
  if (output.json) {
    out.write(audit::report_json(*audit, fixed));
  } else {
    if (output.fix) out.write(text_of(fixed));
    out.write(audit::report_text(*audit, report_options()));
  }
  return finish(out, audit->good() ? kDone : kRefused);
}

}  // namespace dbm::cli
