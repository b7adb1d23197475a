#pragma once

// What the commands that talk to a Kubernetes API share: connecting, the values of a release, how
// things went.

#include <memory>
#include <string>

#include "cli/flags.h"
#include "cli/input.h"
#include "kube/client.h"
#include "release/session.h"
#include "release/write.h"

namespace dbm::cli {

/// A connection to the API server that the flags name. Ctrl-C ends what it is doing.
class Kubernetes {
 public:
  /// Null: the error was printed.
  static std::unique_ptr<Kubernetes> open(const KubeFlags& flags, const std::string& ns);
  kube::Client& client() { return *client_; }
  /// -n, else the context's, else "default".
  const std::string& ns() const { return ns_; }
  release::Release release(const std::string& name) const;

 private:
  kube::Config config_;
  std::unique_ptr<kube::Client> client_;
  std::string ns_;
};

/// The flags of apply and diff.
struct ApplyFlags {
  ValueFlags values;
  PasswordFlags passwords;
  KubeFlags kube;
  std::vector<std::string> allowed;
  bool force_conflicts = false;
  std::string output = "text";
  void add_to(Command command);
};

/// A file against a server, as far as a plan. Keeps everything that the plan points at.
class ReleaseRun {
 public:
  /// Connects, reads the values with the server's own CloudNativePG in mind, looks. Null: it was said
  /// why, and `exit` is set.
  static std::unique_ptr<ReleaseRun> open(const ApplyFlags& flags, int& exit);
  /// Looks again. False: it was said why.
  bool look_again(int& exit);
  release::Plan plan() const;

  release::Session& session() { return *session_; }
  kube::Client& client() { return kubernetes_->client(); }
  const release::Release& release() const { return session_->release(); }

 private:
  std::unique_ptr<Kubernetes> kubernetes_;
  std::unique_ptr<Input> input_;
  std::unique_ptr<release::Session> session_;
  release::PlanOptions options_;
};

/// Prints each; the exit code that they make: kTimedOut, kInterrupted or kRefused.
int print_failures(const std::vector<release::Failure>& failures);
/// Prints what the guard holds back, and how to let it through.
void print_dangers(const std::vector<release::Danger>& dangers);
/// Prints why the server could not be asked.
int print_unanswered(const Error& error);

/// "cluster.postgresql.cnpg.io/main", as kubectl -o name has it.
std::string name_of(const release::Step& step);
/// The same with its namespace, when that is not the release's: "secret/main-app -n crm".
std::string name_of(const release::Step& step, const release::Release& release);

/// A line on standard error that is written over, when that is a terminal.
class ProgressLine {
 public:
  ~ProgressLine() { end(); }
  void show(std::string_view text);
  void end();

 private:
  bool shown_ = false;
};

}  // namespace dbm::cli
