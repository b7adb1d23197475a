#include "cli/kubernetes.h"

#include <csignal>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/finish.h"

namespace dbm::cli {
namespace {

extern "C" void on_interrupt(int signal) {
  kube::Client::interrupt();
  std::signal(signal, SIG_DFL);  // a second time ends the program at once
}

}  // namespace

std::unique_ptr<Kubernetes> Kubernetes::open(const KubeFlags& flags, const std::string& ns) {
  auto out = std::make_unique<Kubernetes>();
  auto config = kube::load_config({.kubeconfig = flags.kubeconfig, .context = flags.context, .ns = ns});
  if (!config) {
    print_error(config.error());
    return nullptr;
  }
  out->config_ = std::move(config).value();
  out->ns_ = !ns.empty() ? ns : !out->config_.ns.empty() ? out->config_.ns : "default";
  auto client = kube::Client::open(out->config_);
  if (!client) {
    print_error(client.error());
    return nullptr;
  }
  out->client_ = std::move(client).value();
  out->client_->set_deadline(kube::Client::Clock::now() + flags.timeout);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return out;
}

release::Release Kubernetes::release(const std::string& name) const {
  return {name, ns_, render::applyset_id(name, ns_)};
}

void ApplyFlags::add_to(Command command) {
  values.add_to(command);
  passwords.add_to(command);
  kube.add_to(command);
  command.option("--allow-destroy", allowed, "object whose data may be lost (the guard names it)");
  command.flag("--force-conflicts", force_conflicts, "take fields from other field managers");
}

std::unique_ptr<ReleaseRun> ReleaseRun::open(const ApplyFlags& flags, int& exit) {
  exit = kRefused;
  auto out = std::make_unique<ReleaseRun>();
  out->kubernetes_ = Kubernetes::open(flags.kube, flags.values.given_namespace());
  if (out->kubernetes_ == nullptr) return nullptr;
  ValueFlags values = flags.values;
  values.render.ns = out->kubernetes_->ns();
  out->session_ = std::make_unique<release::Session>(out->client(), out->kubernetes_->release(values.render.release));
  // The file is looked at first by itself when its version is said: mistakes need no server.
  if (!values.cnpg_version.empty()) out->input_ = read_input(values);
  if (out->input_ == nullptr || !out->input_->diagnostics.has_errors()) {
    if (auto parent = out->session_->look_for_parent(); !parent) {
      exit = print_unanswered(parent.error());
      return nullptr;
    }
    if (values.cnpg_version.empty()) {
      auto api = release::find_cnpg_api(out->client(), out->session_->live().set().cnpg_api);
      if (!api) {
        exit = print_unanswered(api.error());
        return nullptr;
      }
      out->options_.cnpg_api = api->known_as;
      values.cnpg_version = cnpg::to_string(api->version);
      out->input_ = read_input(values);
    }
  }
  print_diagnostics(*out->input_);
  if (out->input_->diagnostics.has_errors()) {
    exit = exit_code(*out->input_);
    return nullptr;
  }
  out->options_.allowed.insert(flags.allowed.begin(), flags.allowed.end());
  const auto& input = *out->input_;
  if (auto looked = out->session_->look({&input.values, input.clusters, input.options, flags.passwords.key_file}); !looked) {
    exit = print_unanswered(looked.error());
    return nullptr;
  }
  return out;
}

bool ReleaseRun::look_again(int& exit) {
  const auto looked = session_->look_again();
  if (!looked) exit = print_unanswered(looked.error());
  return looked.ok();
}

release::Plan ReleaseRun::plan() const { return session_->plan(options_); }

int print_unanswered(const Error& error) {
  print_error(error);
  if (error.code == ErrorCode::kInterrupted || kube::Client::interrupted()) return kInterrupted;
  return error.code == ErrorCode::kTimedOut ? kTimedOut : kRefused;
}

int print_failures(const std::vector<release::Failure>& failures) {
  constexpr size_t kShown = 20;
  bool timed_out = false, interrupted = false;
  std::set<std::string> told;
  size_t left = 0;
  for (const release::Failure& failure : failures) {
    timed_out |= failure.timed_out;
    interrupted |= failure.interrupted;
    if (told.size() >= kShown && !told.contains(failure.error.message))
      ++left;
    else if (told.insert(failure.error.message).second)
      print_error(failure.error);
  }
  if (left > 0) fmt::print(stderr, "cnpg-dbm: … and {} more errors\n", left);
  return interrupted ? kInterrupted : timed_out ? kTimedOut : kRefused;
}

void print_dangers(const std::vector<release::Danger>& dangers) {
  std::set<std::string> names;
  for (const release::Danger& danger : dangers) {
    fmt::print(stderr, "cnpg-dbm: refused: {}: {}\n", danger.object, danger.what);
    names.insert(danger.name);
  }
  std::string flags;
  for (const std::string& name : names) flags += fmt::format(" --allow-destroy {}", name);
  fmt::print(stderr, "  help: nothing was changed; to let it through:{}\n", flags);
}

std::string name_of(const release::Step& step) {
  const kube::Resource& resource = step.resource();
  const std::string kind = to_lower(resource.kind);
  return fmt::format("{}{}{}/{}", kind, resource.group.empty() ? "" : ".", resource.group, step.name());
}

std::string name_of(const release::Step& step, const release::Release& release) {
  const bool elsewhere = !step.ns().empty() && step.ns() != release.ns;
  return elsewhere ? fmt::format("{} -n {}", name_of(step), step.ns()) : name_of(step);
}

void ProgressLine::show(std::string_view text) {
  if (isatty(STDERR_FILENO) == 0) return;
  shown_ = true;
  fmt::print(stderr, "\r\033[K{}", text);
}

void ProgressLine::end() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  shown_ = false;
}

}  // namespace dbm::cli
