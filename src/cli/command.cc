#include "cli/command.h"

#include <algorithm>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/cli.h"

namespace dbm::cli {
namespace {

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> out;
  for (const std::string& name : option.get_snames()) out.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.push_back("--" + name);
  if (!option.nonpositional()) out.push_back(option.get_name(true));
  return out;
}

/// Of TEXT:{yaml,json}.
std::vector<std::string> choices_of(const std::string& type) {
  const size_t open = type.find('{'), close = type.rfind('}');
  std::vector<std::string> out;
  if (open == type.npos || close == type.npos) return out;
  for (size_t at = open + 1; at < close;) {
    const size_t end = std::min(type.find(',', at), close);
    out.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

OptionInfo info_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::string name = type.substr(0, type.find(':'));
  return {.names = names_of(option),
          .description = option.get_description(),
          .value_type = name,
          .default_value = option.get_default_str(),
          .choices = choices_of(type),
          .path = name == "FILE" ? PathKind::kFile : name == "DIR" ? PathKind::kFolder : PathKind::kNone,
          .takes_value = option.get_items_expected_max() > 0,
          .takes_many = option.get_items_expected_max() > 1,
          .required = option.get_required()};
}

/// An option group is a nameless App below, with a --help that is not its own.
void collect_options(const CLI::App& app, CommandInfo& out) {
  for (const CLI::Option* option : app.get_options()) {
    const bool is_repeated = app.get_name().empty() && option == app.get_help_ptr();
    if (option->get_group().empty() || is_repeated) continue;
    (option->nonpositional() ? out.options : out.positionals).push_back(info_of(*option));
  }
  for (const CLI::App* group : app.get_subcommands([](const CLI::App* a) { return a->get_name().empty(); }))
    collect_options(*group, out);
}

CommandInfo info_of(const CLI::App& app) {
  CommandInfo out;
  out.name = app.get_name();
  out.description = app.get_description();
  collect_options(app, out);
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!below->get_name().empty() && !below->get_group().empty()) out.commands.push_back(info_of(*below));
  return out;
}

}  // namespace

Option& Option::file() {
  option_->type_name("FILE");
  return *this;
}

Option& Option::folder() {
  option_->type_name("DIR");
  return *this;
}

Option& Option::choices(std::vector<std::string> values) {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

Option& Option::range(int min, int max) {
  option_->check(CLI::Range(min, max));
  return *this;
}

Option& Option::check(std::function<std::string(const std::string&)> check) {
  option_->check(std::move(check));
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::show_default(const std::string& text) {
  option_->default_str(text);
  return *this;
}

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::needs(Option other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::excludes(Option other) {
  option_->excludes(other.option_);
  return *this;
}

bool Option::given() const { return option_ != nullptr && option_->count() > 0; }

Option Command::option(const std::string& names, std::string& out, const std::string& help) {
  return Option(app_->add_option(names, out, help));
}

Option Command::option(const std::string& names, int& out, const std::string& help) {
  return Option(app_->add_option(names, out, help));
}

Option Command::option(const std::string& names, unsigned& out, const std::string& help) {
  return Option(app_->add_option(names, out, help));
}

Option Command::option(const std::string& names, std::vector<std::string>& out, const std::string& help) {
  return Option(app_->add_option(names, out, help)->allow_extra_args(false)->take_all());
}

Option Command::flag(const std::string& names, bool& out, const std::string& help) {
  return Option(app_->add_flag(names, out, help));
}

Option Command::argument(const std::string& name, std::string& out, const std::string& help) {
  return option(name, out, help);
}

Option Command::argument(const std::string& name, std::vector<std::string>& out, const std::string& help) {
  return Option(app_->add_option(name, out, help));
}

Command Command::at_most_one(const std::string& name, const std::string& help) {
  CLI::App* group = app_->add_option_group(name, help);
  group->require_option(0, 1);
  return {group, exit_};
}

Command Command::subcommand(const std::string& name, const std::string& help) {
  return {app_->add_subcommand(name, help), exit_};
}

void Command::run(std::function<int()> run, std::vector<Option> any_of) {
  app_->callback([run = std::move(run), any_of = std::move(any_of), exit = exit_] {
    if (!any_of.empty() && !std::ranges::any_of(any_of, &Option::given)) {
      std::string names;
      for (const Option& option : any_of) names += (names.empty() ? "" : " or ") + option.option_->get_name();
      throw CLI::RequiredError(names);
    }
    *exit = run();
  });
}

CommandInfo Command::info() const { return info_of(*app_); }

CommandLine::CommandLine(const std::string& description, const std::string& program, const std::string& version)
    : app_(std::make_unique<CLI::App>(description, program)) {
  app_->require_subcommand(1);
  app_->set_version_flag("--version", version);
  app_->get_formatter()->column_width(30);
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() { return {app_.get(), &exit_}; }

int CommandLine::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& wish) {  // --help, --version
    return app_->exit(wish);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app_->get_subcommands();
    fmt::print(stderr, "{0}: {1}\nTry `{0} {2}--help`.\n", app_->get_name(), error.what(),
               chosen.empty() ? "" : chosen[0]->get_name() + " ");
    return kUsage;
  }
  return exit_;
}

}  // namespace dbm::cli
