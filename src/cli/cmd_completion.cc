// cnpg-dbm completion and man: what other programs want to know of the command line.

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/finish.h"
#include "cli/man.h"

namespace dbm::cli {

int print_candidates(const CLI::App& app, std::span<char* const> words) {
  Stdout out;
  out.write(complete(app, std::vector<std::string>(words.begin(), words.end())));
  return finish(out, kDone);
}

void add_completion(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("completion", "Print a shell's completion script: source <(cnpg-dbm completion bash)");
  auto name = std::make_shared<std::string>();
  command->add_option("SHELL", *name, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([name, &exit] {
    Stdout out;
    out.write(completion_script(*name == "bash" ? Shell::kBash : *name == "zsh" ? Shell::kZsh : Shell::kFish));
    exit = finish(out, kDone);
  });
}

void add_man(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("man", "Print the manual page: cnpg-dbm man | man -l -");
  command->callback([&app, &exit] {
    Stdout out;
    out.write(man_page(app));
    exit = finish(out, kDone);
  });
}

}  // namespace dbm::cli
