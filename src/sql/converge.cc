#include "sql/converge.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "sql/database_job.h"

namespace dbm::sql {
namespace {

class Convergence {
 public:
  Convergence(const Desired& desired, const VerifierOf& verifier, const ConvergeOptions& options,
              Connection admin, Target target)
      : desired_(desired), verifier_(verifier), options_(options), admin_(std::move(admin)),
        quote_(Quote::of(admin_)) {
    context_.target = std::move(target);
    context_.isolated = desired.isolated;
    context_.major = admin_.major();
    context_.roles = &roles_;
  }

  Result<Converged> run() {
    auto look = read_shared(admin_.run_all(shared_statements(context_.major)));
    if (const auto* failure = std::get_if<Failure>(&look))
      return failure->as_error().about("cannot read the server's catalogs");
    look_ = std::get<SharedLook>(std::move(look));
    out_.kept = kept(desired_, look_);

    const RolePlan roles = plan_roles(desired_, look_, verifier_, quote_);
    if (wants_template()) look_at_template1();
    run_roles(roles);
    const std::vector<DatabaseJob> jobs = plan_jobs();
    run_jobs(jobs);
    run_alone(admin_, roles.drops, outcome_);
    run_alone(admin_, plan_maintenance(desired_, look_, roles_, quote_), outcome_);
    end_sessions();
    make_durable();
    out_.done = std::move(outcome_.done);
    out_.failed = std::move(outcome_.failed);
    return std::move(out_);
  }

 private:
  bool is_new(const Database& db) const {
    return db.present && !look_.databases.contains(db.name);
  }
  static bool is_plain(const Database& db) {
    return db.schemas.empty() && db.extensions.empty() && db.users.empty();
  }
  bool wants_template() const {
    return std::ranges::any_of(desired_.databases,
                               [&](const Database& db) { return is_new(db) && is_plain(db); });
  }

  /// What new databases begin with. Early, so that we are out of it again when it is copied: a
  /// database with sessions cannot be.
  void look_at_template1() {
    Target target = context_.target;
    target.database = "template1";
    auto opened = Connection::open(target);
    auto* connection = std::get_if<Connection>(&opened);
    if (connection == nullptr) return;  // then each new database is looked at
    auto look = look_inside(*connection, false);
    if (auto* seen = std::get_if<InsideLook>(&look)) template1_ = std::move(*seen);
    context_.template1 = template1_ ? &*template1_ : nullptr;
  }

  void run_roles(const RolePlan& plan) {
    tell(0, desired_.databases.size(), "roles");
    role_failures_ = run_alone(admin_, plan.attributes, outcome_);
    run_alone(admin_, plan.memberships, outcome_);
    for (const auto& [name, role] : look_.roles) roles_.insert(roles_.end(), name);
    for (const Role& role : desired_.roles)
      if (role.present && !role_failures_.contains(role_object(role.name)))
        roles_.insert(role.name);
  }

  /// Of all databases that something is to be done to.
  std::vector<DatabaseJob> plan_jobs() {
    std::vector<DatabaseJob> jobs;
    for (const Database& db : desired_.databases) {
      if (db.present && !roles_.contains(db.owner)) {
        const auto why = role_failures_.find(role_object(db.owner));
        const std::string owner = printable(db.owner);
        outcome_.failed.push_back(
            {database_object(db.name),
             why != role_failures_.end()
                 ? fmt::format("its owner \"{}\" could not be made: {}", owner, why->second)
                 : fmt::format("there is no role \"{}\" to own it", owner),
             {}});
        continue;
      }
      const auto there = look_.databases.find(db.name);
      DatabaseJob job{.database = &db,
                      .plan = plan_database(db, desired_.isolated, look_, roles_, quote_),
                      .oid = there == look_.databases.end() ? 0 : there->second.oid};
      const auto known = options_.known.find(job.oid);
      std::string wanted = fingerprint(db, desired_.isolated);
      const bool is_known = known != options_.known.end() && known->second == wanted;
      job.inside = db.present && db.allow_connections.value_or(true) &&
                   (!is_known || options_.everything);
      if (job.inside || !job.plan.steps.empty())
        jobs.push_back(std::move(job));
      else
        std::ranges::move(job.plan.failed, std::back_inserter(outcome_.failed));
      if (is_known && db.present && !job.inside) out_.known.emplace(known->first, std::move(wanted));
    }
    return jobs;
  }

  void run_jobs(const std::vector<DatabaseJob>& jobs) {
    if (jobs.empty()) return;
    std::vector<DatabaseOutcome> outcomes(jobs.size());
    std::atomic<size_t> next = 0, done = 0;
    // A new database goes through the server's log, page by page (PostgreSQL 15): compressed, it is
    // a third. Copied file by file (STRATEGY file_copy), it is slower wherever the disk is, as each
    // of some 300 files is waited for. Not every server is built with LZ4: then it stays as it is.
    const auto work = [&](Connection& shared, bool tells) {
      shared.run("SET wal_compression = lz4");
      for (size_t i = next++; i < jobs.size(); i = next++) {
        if (!shared.is_open()) {
          auto opened = Connection::open(context_.target);
          if (auto* again = std::get_if<Connection>(&opened)) shared = std::move(*again);
        }
        outcomes[i] = run_job(shared, jobs[i], context_);
        ++done;
        if (tells) tell(done, jobs.size(), jobs[i].database->name);
      }
    };
    {
      const size_t others =
          std::min<size_t>(std::max(options_.connections, 1U), jobs.size()) - 1;
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < others; ++i)
        threads.emplace_back([&] {
          // Where the server has no more connections to give, the others do the work.
          auto opened = Connection::open(context_.target);
          if (auto* shared = std::get_if<Connection>(&opened)) work(*shared, false);
        });
      work(admin_, true);
    }
    tell(jobs.size(), jobs.size(), "");
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (outcomes[i].inside_is_right && outcomes[i].oid != 0)
        out_.known.insert_or_assign(outcomes[i].oid,
                                    fingerprint(*jobs[i].database, desired_.isolated));
      outcome_.add(std::move(outcomes[i].outcome));
    }
  }

  /// Of those who had entered before the doors were closed.
  void end_sessions() {
    if (!desired_.isolated) return;
    if (!outcome_.done.empty())
      if (const Answer answer = admin_.run(sessions_statement()))
        look_.sessions = read_sessions(*answer);
    run_alone(admin_, plan_sessions(desired_, look_, quote_), outcome_);
  }

  /// Waits until all that was committed is on the disk: the log is written in order, so one commit
  /// that waits is enough.
  void make_durable() {
    if (outcome_.done.empty()) return;
    for (const char* sql : {"SET synchronous_commit = on",
                            "SELECT pg_logical_emit_message(true, 'cnpg-dbm', '')"})
      if (const Answer answer = admin_.run(sql); !answer) {
        outcome_.failed.push_back({"server", answer.failure().message, answer.failure().hint});
        return;
      }
  }

  void tell(size_t done, size_t all, std::string_view what) const {
    if (options_.progress) options_.progress(done, all, what);
  }

  const Desired& desired_;
  const VerifierOf& verifier_;
  const ConvergeOptions& options_;
  Connection admin_;
  const Quote quote_;
  JobContext context_;
  SharedLook look_;
  std::optional<InsideLook> template1_;
  Names roles_;  // that exist
  std::map<std::string, std::string> role_failures_;
  Outcome outcome_;
  Converged out_;
};

}  // namespace

Result<Converged> converge(const Desired& desired, const VerifierOf& verifier,
                           const ConvergeOptions& options) {
  Target target = options.admin;
  target.options += (target.options.empty() ? "" : " ") + session_options();
  auto opened = Connection::open(target);
  if (const auto* failure = std::get_if<Failure>(&opened))
    return failure->as_error().about("cannot connect to the server");
  auto& admin = std::get<Connection>(opened);
  if (admin.major() < 13)
    return Error{fmt::format("the server is PostgreSQL {}", admin.major()),
                 "version 13 or later is needed"};
  // Sessions to come begin with all that this server has; ours has begun already.
  target.options = options.admin.options;
  target.options += (target.options.empty() ? "" : " ") + session_options(admin.major());
  for (const auto& [since, setting] : {std::pair{14, "idle_session_timeout"}, {17, "transaction_timeout"}})
    if (admin.major() >= since) admin.run(fmt::format("SET {} = 0", setting));
  return Convergence(desired, verifier, options, std::move(admin), std::move(target)).run();
}

}  // namespace dbm::sql
