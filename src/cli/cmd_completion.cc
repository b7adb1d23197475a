// cnpg-dbm completion and man: what other programs want to know of the command line.

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/finish.h"
#include "cli/man.h"

namespace dbm::cli {

int print_candidates(const CommandInfo& program, std::span<char* const> words) {
  Stdout out;
  out.write(complete(program, std::vector<std::string>(words.begin(), words.end())));
  return finish(out, kDone);
}

void add_completion(Command program) {
  Command command = program.subcommand("completion", "Print a shell's completion script: source <(cnpg-dbm completion bash)");
  auto name = std::make_shared<std::string>();
  command.argument("SHELL", *name, "bash, zsh or fish").required().choices({"bash", "zsh", "fish"});
  command.run([name] {
    Stdout out;
    out.write(completion_script(*name == "bash" ? Shell::kBash : *name == "zsh" ? Shell::kZsh : Shell::kFish));
    return finish(out, kDone);
  });
}

void add_man(Command program) {
  Command command = program.subcommand("man", "Print the manual page: cnpg-dbm man | man -l -");
  command.run([program] {
    Stdout out;
    out.write(man_page(program.info()));
    return finish(out, kDone);
  });
}

}  // namespace dbm::cli
