#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbm::cli {
namespace {

// Cobra's ShellCompDirective.
constexpr int kFiles = 0, kNothingElse = 4, kFolders = 16;

/// What the words before the last one mean.
struct Place {
  const CommandInfo* command;
  const OptionInfo* wants_value = nullptr;  // the option that the last word is the value of
  size_t positionals = 0;                    // that were given
  bool only_positionals = false;             // after --
};

const OptionInfo* find_option(const CommandInfo& command, std::string_view name) {
  for (const OptionInfo& option : command.options)
    if (std::ranges::find(option.names, name) != option.names.end()) return &option;
  return nullptr;
}

/// `-n` of `-nshop`, which holds its value.
bool is_short_with_value(std::string_view word) { return word.size() > 2 && word[1] != '-'; }

void take(Place& place, std::string_view word) {
  if (place.wants_value != nullptr) {
    place.wants_value = nullptr;
  } else if (place.only_positionals || word == "-" || !word.starts_with('-')) {
    const std::vector<CommandInfo>& below = place.command->commands;
    const auto found = std::ranges::find(below, word, &CommandInfo::name);
    if (found != below.end() && !place.only_positionals) place = {&*found};
    else ++place.positionals;
  } else if (word == "--") {
    place.only_positionals = true;
  } else if (word.find('=') == word.npos && !is_short_with_value(word)) {
    const OptionInfo* option = find_option(*place.command, word);
    if (option != nullptr && option->takes_value) place.wants_value = option;
  }
}

/// The answer while it is made: candidates that begin as what was typed.
class Answer {
 public:
  explicit Answer(std::string_view typed) : typed_(typed) {}
  void add(std::string_view candidate, std::string_view description = {}) {
    if (!candidate.starts_with(typed_)) return;
    text_ += candidate;
    if (!description.empty()) text_ += fmt::format("\t{}", description);
    text_ += '\n';
  }
  std::string end(int directive) { return text_ + fmt::format(":{}\n", directive); }

 private:
  std::string_view typed_;
  std::string text_;
};

/// The values of an option; `before` is what of the word stands before the value.
std::string complete_value(const OptionInfo& option, std::string_view before, std::string_view typed) {
  Answer answer(typed);
  for (const std::string& value : option.choices) answer.add(std::string(before) + value);
  return answer.end(option.path == PathKind::kFile     ? kFiles
                    : option.path == PathKind::kFolder ? kFolders
                                                       : kNothingElse);
}

std::string complete_option(const Place& place, std::string_view typed) {
  if (const size_t equals = typed.find('='); equals != typed.npos) {
    const OptionInfo* option = find_option(*place.command, typed.substr(0, equals));
    if (option == nullptr) return Answer(typed).end(kNothingElse);
    return complete_value(*option, typed.substr(0, equals + 1), typed);
  }
  Answer answer(typed);
  for (const OptionInfo& option : place.command->options)
    for (const std::string& name : option.names)
      if (name.starts_with("--") || typed == "-" || option.names.size() == 1) answer.add(name, option.description);
  return answer.end(kNothingElse);
}

std::string complete_positional(const Place& place, std::string_view typed) {
  Answer answer(typed);
  if (place.positionals == 0 && !place.only_positionals)
    for (const CommandInfo& below : place.command->commands) answer.add(below.name, below.description);
  size_t left = place.positionals;
  for (const OptionInfo& option : place.command->positionals) {
    if (left == 0 || option.takes_many) return complete_value(option, {}, typed);
    --left;
  }
  return answer.end(kNothingElse);
}

constexpr std::string_view kBash = R"(# bash completion for cnpg-dbm; kubectl completes `kubectl dbm` by itself.
_cnpg_dbm() {
  local i line directive prefix= cur words=() lines=()
  # Bash takes words apart at =.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if ((${#words[@]})) && [[ ${COMP_WORDS[i]} == = || (${COMP_WORDS[i-1]} == = && ${words[-1]} == -*) ]]; then
      words[-1]+=${COMP_WORDS[i]}
    else
      words+=("${COMP_WORDS[i]}")
    fi
  done
  mapfile -t lines < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${words[@]}" 2>/dev/null)
  ((${#lines[@]})) || return
  directive=${lines[-1]}
  unset 'lines[-1]'
  cur=${words[-1]}
  if [[ $cur == -*=* ]]; then prefix=${cur%%=*}= cur=${cur#*=}; fi
  COMPREPLY=()
  for line in "${lines[@]}"; do
    line=${line%%$'\t'*}
    COMPREPLY+=("${line#"$prefix"}")
  done
  case $directive in
    :0) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur") ;;
    :16) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur") ;;
  esac
}
complete -F _cnpg_dbm cnpg-dbm kubectl-dbm
)";

constexpr std::string_view kZsh = R"(#compdef cnpg-dbm kubectl-dbm
# zsh completion for cnpg-dbm; kubectl completes `kubectl dbm` by itself.
_cnpg-dbm() {
  local line directive
  local -a lines candidates
  lines=("${(@f)$("${(Q)words[1]/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  directive=$lines[-1]
  for line in "${(@)lines[1,-2]}"; do
    line=${line//:/\\:}
    candidates+=("${line/$'\t'/:}")
  done
  (( $#candidates )) && _describe -t values 'cnpg-dbm' candidates
  case $directive in
    :0) [[ $PREFIX == -*=* ]] && compset -P 1 '*='; _files ;;
    :16) [[ $PREFIX == -*=* ]] && compset -P 1 '*='; _files -/ ;;
  esac
}
if [[ $funcstack[1] == _cnpg-dbm ]]; then
  _cnpg-dbm "$@"
elif (( $+functions[compdef] )); then
  compdef _cnpg-dbm cnpg-dbm kubectl-dbm
fi
)";

constexpr std::string_view kFish = R"(# fish completion for cnpg-dbm; kubectl completes `kubectl dbm` by itself.
function __cnpg_dbm_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command $words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l directive $lines[-1]
    set -e lines[-1]
    for line in $lines
        echo $line
    end
    set -l before (string match -r -- '^-[^=]*=' "$current")
    set -l path (string replace -r -- '^-[^=]*=' '' "$current")
    switch $directive
        case :0
            printf "$before%s\n" (__fish_complete_path "$path" '')
        case :16
            printf "$before%s\n" (__fish_complete_directories "$path" '')
    end
end
complete -c cnpg-dbm -f -a '(__cnpg_dbm_complete)'
complete -c kubectl-dbm -f -a '(__cnpg_dbm_complete)'
)";

}  // namespace

std::string complete(const CommandInfo& program, std::span<const std::string> words) {
  Place place{&program};
  const std::string typed = words.empty() ? "" : words.back();
  for (size_t i = 0; i + 1 < words.size(); ++i) take(place, words[i]);
  if (place.wants_value != nullptr) return complete_value(*place.wants_value, {}, typed);
  if (typed.starts_with('-') && !place.only_positionals) return complete_option(place, typed);
  return complete_positional(place, typed);
}

std::string_view completion_script(Shell shell) {
  return shell == Shell::kBash ? kBash : shell == Shell::kZsh ? kZsh : kFish;
}

}  // namespace dbm::cli
