// cnpg-dbm up: the values file on this machine.

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/program.h"
#include "cli/local.h"
#include "cli/table.h"
#include "local/pooler.h"
#include "local/process.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  ValueFlags values;
  PasswordFlags passwords;
  LocalFlags local;
  int replicas = -1;
  bool foreground = false, everything = false, remote_backups = false, new_ports = false;
  std::string output = "text";
};

using Outcomes = std::vector<local::Engine::Outcome>;

constexpr size_t kRows = 40;  // of the table; a machine reads -o json

const render::ClusterPlan* plan_of(const Input& input, const std::string& cluster) {
  const auto found = std::ranges::find_if(
      input.clusters, [&](const render::ClusterPlan& plan) { return plan.cluster->name == cluster; });
  return found != input.clusters.end() ? &*found : nullptr;
}

void print_cluster(Stdout& out, const local::Engine& engine, const Input& input,
                   const local::ClusterReport& report) {
  const local::ClusterState& state = engine.state().clusters.at(report.name);
  out.write(fmt::format("{}: PostgreSQL {} on 127.0.0.1:{}, {}\n", report.name, report.major, state.port,
                        report.done.empty() ? "nothing to do" : "done"));
  constexpr size_t kDone = 12;
  for (size_t i = 0; i < std::min(report.done.size(), kDone); ++i)
    out.write(fmt::format("  + {}\n", printable(report.done[i], 200)));
  if (report.done.size() > kDone) out.write(fmt::format("  + {} more\n", report.done.size() - kDone));
  const auto ways = engine.ways(*plan_of(input, report.name));
  Table table({"DATABASE", "ROLE", "WAY", "URI (its password: in the file)", "FILE"});
  for (size_t i = 0; i < std::min(ways.size(), kRows); ++i) {
    const local::Way& way = ways[i];
    table.row({way.database, way.role, way.pooler.empty() ? "direct" : "pooler " + way.pooler,
               local::uri_without_password(way), way.file});
  }
  out.write(table.text("  "));
  if (ways.size() > kRows)
    out.write(fmt::format("  … and {} more: {}\n", ways.size() - kRows,
                          engine.layout().connections(report.name).string()));
}

yaml::Value texts(yaml::Arena& arena, const std::vector<std::string>& list) {
  yaml::Value out = yaml::Value::list(arena);
  for (const std::string& text : list) out.push(arena, yaml::Value::string(arena.copy(text)));
  return out;
}

std::string report_json(const local::Engine& engine, const Input& input, const Outcomes& outcomes) {
  yaml::Arena arena;
  const auto text = [&](std::string_view t) { return yaml::Value::string(arena.copy(t)); };
  yaml::Value clusters = yaml::Value::list(arena);
  for (const auto& outcome : outcomes) {
    yaml::Value c = yaml::Value::map(arena);
    c.append(arena, "name", text(outcome.cluster));
    if (!outcome.report) {
      c.append(arena, "error", text(outcome.report.error().message));
      clusters.push(arena, c);
      continue;
    }
    const local::ClusterReport& report = *outcome.report;
    c.append(arena, "postgresql", yaml::Value::integer(arena, report.major));
    c.append(arena, "port", yaml::Value::integer(arena, engine.state().clusters.at(report.name).port));
    c.append(arena, "changed", yaml::Value::boolean(!report.done.empty()));
    c.append(arena, "done", texts(arena, report.done));
    c.append(arena, "notices", texts(arena, report.notices));
    c.append(arena, "kept", texts(arena, report.kept));
    yaml::Value failed = yaml::Value::list(arena), ways = yaml::Value::list(arena);
    for (const sql::Failed& f : report.failed) {
      yaml::Value one = yaml::Value::map(arena);
      one.append(arena, "object", text(f.object));
      one.append(arena, "message", text(f.message));
      one.append(arena, "hint", text(f.hint));
      failed.push(arena, one);
    }
    for (const local::Way& way : engine.ways(*plan_of(input, report.name))) {
      yaml::Value one = yaml::Value::map(arena);
      one.append(arena, "database", text(way.database));
      one.append(arena, "role", text(way.role));
      if (!way.pooler.empty()) one.append(arena, "pooler", text(way.pooler));
      one.append(arena, "host", text(way.host));
      one.append(arena, "port", yaml::Value::integer(arena, way.port));
      one.append(arena, "uri", text(local::uri_without_password(way)));
      one.append(arena, "file", text(way.file));
      ways.push(arena, one);
    }
    c.append(arena, "failed", failed);
    c.append(arena, "ways", ways);
    clusters.push(arena, c);
  }
  yaml::Value tree = yaml::Value::map(arena);
  tree.append(arena, "clusters", clusters);
  std::string out;
  yaml::write_json(out, tree, 2);
  return out + "\n";
}

/// Clusters that are here and no longer in the file.
void print_left(const local::Engine& engine, const Input& input) {
  for (const std::string& name : engine.clusters())
    if (plan_of(input, name) == nullptr)
      print_warning(fmt::format("cluster {} is not in the values file; it is kept as it is", printable(name)),
                    fmt::format("`cnpg-dbm down {}` stops it", printable(name)));
}

int print_outcomes(const Flags& flags, const local::Engine& engine, const Input& input,
                   const Outcomes& outcomes) {
  end_progress();
  bool good = true;
  Stdout out;
  for (const auto& outcome : outcomes) {
    if (!outcome.report) {
      print_error(outcome.report.error());
      good = false;
      continue;
    }
    print_news(*outcome.report);
    good = good && outcome.report->good();
    if (flags.output == "text") print_cluster(out, engine, input, *outcome.report);
  }
  if (flags.output == "json") out.write(report_json(engine, input, outcomes));
  print_left(engine, input);
  return finish(out, good ? kDone : kRefused);
}

/// SIGINT, SIGTERM, and SIGCHLD to wake up whoever waits for these.
sigset_t awaited_signals() {
  sigset_t out;
  sigemptyset(&out);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&out, signal);
  return out;
}

/// Interrupts a bring-up on SIGINT or SIGTERM. REQUIRES: all threads block awaited_signals().
class SignalWatch {
 public:
  explicit SignalWatch(const local::Engine& engine) : thread_([this, &engine] { watch(engine); }) {}
  ~SignalWatch() { end(); }

  /// The signal that came until now, or 0. A later one stays pending.
  int end() {
    if (thread_.joinable()) {
      ended_ = true;
      pthread_kill(thread_.native_handle(), SIGCHLD);
      thread_.join();
    }
    return signal_;
  }

 private:
  void watch(const local::Engine& engine) {
    const sigset_t signals = awaited_signals();
    while (!ended_) {
      const int signal = sigwaitinfo(&signals, nullptr);
      if (signal != SIGINT && signal != SIGTERM) continue;
      signal_ = signal;
      engine.interrupt();
      return;
    }
  }

  std::atomic<bool> ended_ = false;
  std::atomic<int> signal_ = 0;
  std::thread thread_;  // the last member: it uses the others
};

/// False when a server does not stop; the errors were printed.
bool stop_all(local::Engine& engine) {
  bool good = true;
  for (const std::string& cluster : engine.clusters())
    if (auto stopped = engine.stop(cluster); !stopped) {
      print_error(stopped.error());
      good = false;
    }
  return good;
}

/// Waits for SIGINT or SIGTERM; false when a server ended by itself before.
bool wait_for_end(const local::Engine& engine) {
  const sigset_t signals = awaited_signals();
  const auto all_run = [&] {
    return std::ranges::all_of(engine.clusters(), [&](const std::string& c) { return engine.runs(c); });
  };
  while (true) {
    const timespec look_again{.tv_sec = 5, .tv_nsec = 0};
    const int signal = sigtimedwait(&signals, nullptr, &look_again);
    if (signal == SIGINT || signal == SIGTERM) return true;
    if (!all_run()) return false;
  }
}

int stay(LocalFlags flags, std::unique_ptr<local::Engine> engine) {
  flags.dir = engine->layout().root();  // the default is root's, who we no longer are
  engine->unlock();                     // backups and the like may go on meanwhile
  fmt::print(stderr, "{}: running; SIGTERM or Ctrl-C stops the servers\n", program_name());
  const bool asked = wait_for_end(*engine);
  if (!asked) print_error({"a server ended by itself", "look into " + engine->layout().root().string() + "/clusters/*/log"});
  engine.reset();
  engine = open_engine(engine_options(flags, "up --foreground"));
  if (engine == nullptr) return kRefused;
  return stop_all(*engine) && asked ? kDone : kRefused;
}

/// After a signal during the bring-up: what was started stops, as `down` does it.
int stop_interrupted(local::Engine& engine, int signal) {
  end_progress();
  fmt::print(stderr, "{}: interrupted; stopping the servers\n", program_name());
  local::resume();
  if (!stop_all(engine)) return kRefused;
  return signal == SIGTERM ? kTerminated : kInterrupted;
}

int up(const Flags& flags) {
  int exit = kDone;
  const auto input = LocalInput::read(flags.values, flags.passwords, exit);
  if (input == nullptr) return exit;
  local::EngineOptions options = engine_options(flags.local, "up");
  if (flags.replicas >= 0) options.replicas = flags.replicas;
  options.everything = flags.everything;
  options.remote_backups = flags.remote_backups;
  options.new_ports = flags.new_ports;
  auto engine = open_engine(std::move(options));
  if (engine == nullptr) return kRefused;
  std::optional<SignalWatch> watch;
  if (flags.foreground) {
    const sigset_t signals = awaited_signals();
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    watch.emplace(*engine);
  }
  const auto outcomes = engine->up(input->wanted());
  if (const int signal = watch ? watch->end() : 0; signal != 0) return stop_interrupted(*engine, signal);
  if (!outcomes) {
    end_progress();
    print_error(outcomes.error());
    return kRefused;
  }
  exit = print_outcomes(flags, *engine, input->input(), *outcomes);
  return flags.foreground && exit == kDone ? stay(flags.local, std::move(engine)) : exit;
}

}  // namespace

void add_up(Command program) {
  Command command = program.subcommand("up", "Make a values file true on this machine");
  auto flags = std::make_shared<Flags>();
  flags->values.add_to(command);
  flags->passwords.add_to(command);
  flags->local.add_to(command);
  command.option("--replicas", flags->replicas, "replicas a cluster, instead of instances - 1").range(0, 8);
  command.flag("--foreground", flags->foreground, "stay, and stop the servers at the end (containers)");
  command.flag("--everything", flags->everything, "look inside every database, also where nothing changed");
  command.flag("--remote-backups", flags->remote_backups, "back up into the file's object store, not into a folder");
  command.flag("--new-ports", flags->new_ports, "choose ports anew");
  command.option("-o,--output", flags->output, "text or json").choices({"text", "json"});
  command.run([flags] { return up(*flags); });
}

}  // namespace dbm::cli
