#include "cli/app_tree.h"

#include <algorithm>

namespace dbm::cli {
namespace {

/// An option group is a nameless App below, with a --help that is not its own.
void collect(const CLI::App& app, bool positional, std::vector<const CLI::Option*>& out) {
  for (const CLI::Option* option : app.get_options()) {
    const bool is_repeated = app.get_name().empty() && option == app.get_help_ptr();
    if (option->nonpositional() != positional && !option->get_group().empty() && !is_repeated) out.push_back(option);
  }
  for (const CLI::App* below : app.get_subcommands([](const CLI::App* a) { return a->get_name().empty(); }))
    collect(*below, positional, out);
}

}  // namespace

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* a) { return !a->get_name().empty() && !a->get_group().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  std::vector<const CLI::Option*> out;
  collect(app, false, out);
  return out;
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& app) {
  std::vector<const CLI::Option*> out;
  collect(app, true, out);
  return out;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }
bool takes_many(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> out;
  for (const std::string& name : option.get_snames()) out.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.push_back("--" + name);
  return out;
}

std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();  // TEXT:{yaml,json}
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

Path path_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::string name = type.substr(0, type.find(':'));
  return name == "FILE" || name == "PATH" ? Path::kFile : name == "DIR" ? Path::kFolder : Path::kNone;
}

}  // namespace dbm::cli
