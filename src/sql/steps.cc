#include "sql/steps.h"

#include <algorithm>
#include <iterator>

namespace dbm::sql {
namespace {

std::vector<Statement> statements_of(std::span<const Step> steps) {
  std::vector<Statement> out;
  out.reserve(steps.size());
  for (const Step& step : steps) out.push_back({step.sql});
  return out;
}

Failed failed_of(const Step& step, const Failure& failure) {
  const bool file_missing =
      failure.is("58P01") || (failure.is("0A000") && failure.message.ends_with("is not available"));
  return {step.object, failure.message,
          file_missing && !step.missing_hint.empty() ? step.missing_hint : failure.hint};
}

}  // namespace

void Outcome::add(Outcome&& other) {
  std::ranges::move(other.done, std::back_inserter(done));
  std::ranges::move(other.failed, std::back_inserter(failed));
}

std::map<std::string, std::string> run_alone(Connection& connection, std::span<const Step> steps,
                                             Outcome& outcome) {
  const std::vector<Answer> answers = connection.run_all(statements_of(steps));
  std::map<std::string, std::string> failures;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (answers[i]) {
      if (!step.action.empty()) outcome.done.push_back({step.object, step.action});
    } else if (failures.emplace(step.object, answers[i].failure().message).second) {
      outcome.failed.push_back(failed_of(step, answers[i].failure()));
    }
  }
  return failures;
}

bool run_as_one(Connection& connection, std::span<const Step> steps, Outcome& outcome) {
  if (steps.empty()) return true;
  const std::vector<Answer> answers = connection.run_together(statements_of(steps));
  if (!answers.back()) {
    // After the last of them, it is the commit that has failed.
    const Step& step = steps[std::min(answers.size(), steps.size()) - 1];
    outcome.failed.push_back(failed_of(step, answers.back().failure()));
    return false;
  }
  for (const Step& step : steps)
    if (!step.action.empty()) outcome.done.push_back({step.object, step.action});
  return true;
}

}  // namespace dbm::sql
