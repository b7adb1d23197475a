#include "cli/local.h"

#include <unistd.h>

#include <mutex>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/finish.h"
#include "cli/program.h"
#include "cli/report.h"
#include "sql/environment.h"

namespace dbm::cli {
namespace {

bool shows_progress() { return isatty(STDERR_FILENO) != 0; }

/// One line that is written over, for all clusters.
void show_progress(std::string_view cluster, std::string_view what) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  fmt::print(stderr, "\r\033[K{}: {}", cluster, what);
  std::fflush(stderr);
}

}  // namespace

void leave_out_needs_sql(Input& input) {
  input.diagnostics = std::move(input.diagnostics).without_code("needs-sql");
}

void end_progress() {
  if (shows_progress()) fmt::print(stderr, "\r\033[K");
}

local::EngineOptions engine_options(const LocalFlags& flags, std::string command) {
  local::EngineOptions out{.command = std::move(command), .dir = flags.dir, .user = flags.user,
                           .pg_bin = flags.pg_bin};
  if (shows_progress()) out.progress = show_progress;
  out.waiting = [](const std::string& holder) {
    fmt::print(stderr, "{}: waiting for {}\n", program_name(), printable(holder));
  };
  return out;
}

std::unique_ptr<local::Engine> open_engine(local::EngineOptions options) {
  sql::ignore_libpq_environment();
  auto engine = local::Engine::open(std::move(options));
  if (engine) return std::move(engine).value();
  print_error(engine.error());
  return nullptr;
}

std::unique_ptr<LocalInput> LocalInput::read(const ValueFlags& values, const PasswordFlags& passwords,
                                             int& exit) {
  auto out = std::make_unique<LocalInput>();
  out->input_ = read_input(values);
  leave_out_needs_sql(*out->input_);
  print_diagnostics(*out->input_);
  exit = exit_code(*out->input_);
  if (exit != kDone) return nullptr;
  if (passwords.key_file.empty()) return out;
  auto key = secrets::read_key_file(passwords.key_file);
  if (!key) {
    print_error(key.error());
    exit = kRefused;
    return nullptr;
  }
  out->deriver_.emplace(*key);
  return out;
}

local::Wanted LocalInput::wanted() const {
  return {.values = &input_->values, .clusters = input_->clusters, .options = input_->options,
          .deriver = deriver_ ? &*deriver_ : nullptr};
}

void print_news(const local::ClusterReport& report) {
  for (const std::string& notice : report.notices)
    fmt::print(stderr, "{}: {}\n", report.name, printable(notice, 400));
  for (const std::string& kept : report.kept)
    fmt::print(stderr, "{}: {} is no longer in the file and kept\n", report.name, printable(kept));
  for (const sql::Failed& failed : report.failed)
    print_error({fmt::format("{}: {}: {}", report.name, failed.object, failed.message), failed.hint});
}

}  // namespace dbm::cli
