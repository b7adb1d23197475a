#include "cli/man.h"

#include <fmt/format.h>

#include "base/version.h"
#include "cli/cli.h"

namespace dbm::cli {
namespace {

struct Row {
  std::string name;
  std::string_view meaning;
};

const Row kExits[] = {
    {std::to_string(kDone), "Done."},
    {std::to_string(kRefused), "Refused: the input, the server or the system says no. Standard error says why."},
    {std::to_string(kUsage), "The command line is wrong."},
    {std::to_string(kGuarded), "Data would be lost; nothing was done. --allow-destroy lets it through."},
    {std::to_string(kTimedOut), "--timeout passed; what was applied stays."},
    {std::to_string(kInterrupted), "Interrupted."},
    {std::to_string(kTerminated), "up --foreground was ended by SIGTERM before everything was up; its servers were stopped."},
};

const Row kEnvironment[] = {
    {"NO_COLOR", "When set, nothing is coloured."},
    {"KUBECONFIG", "Kubeconfig files, with a colon between them; the first one that has a name wins it."},
    {"KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT", "The API server, in a Pod."},
    {"HOME", "The home folder."},
    {"XDG_DATA_HOME", "Where the local engine keeps its data, for other users than root."},
    {"PATH", "Where PostgreSQL, PgBouncer, pgBackRest and exec plugins are looked for."},
    {"PGPASSWORD", "The superuser's password for audit."},
    {"TZ, TMPDIR", "Handed on to the programs of the local engine."},
    {"AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY", "S3, for --remote-backups."},
    {"AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN", "Azure, for --remote-backups."},
    {"GOOGLE_APPLICATION_CREDENTIALS", "The key file of Google's storage, for --remote-backups."},
};

const Row kFiles[] = {
    {"~/.kube/config", "The kubeconfig, where neither --kubeconfig nor KUBECONFIG names one."},
    {"/var/run/secrets/kubernetes.io/serviceaccount/", "The service account, in a Pod without a kubeconfig."},
    {"/var/lib/cnpg-dbm/", "The local engine's data, for root."},
    {"~/.local/share/cnpg-dbm/", "The same for other users."},
};

/// Characters of UTF-8 as \[uXXXX], for every roff.
std::string unicode(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  const size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  unsigned code = first & (0x3Fu >> more);
  for (size_t i = 1; i <= more; ++i) code = code << 6 | (byte(at + i) & 0x3F);
  at += more;
  if (code == 0x2026) return "...";  // terminals without Unicode have it too
  return fmt::format("\\[u{:04X}]", code);
}

/// Text that roff prints as it is.
std::string escaped(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '`' || c == '\'') out += c == '`' ? "\\(ga" : "\\(aq";
    else if (c == '~') out += "\\(ti";
    else if (c == '^') out += "\\(ha";
    else if (c == '"') out += "\\(dq";
    else if (c == '\n') out += ' ';
    else if (static_cast<unsigned char>(c) >= 0x80) out += unicode(text, i);
    else out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

/// What stands for an option's value: yaml|json, FILE.
std::string value_name(const OptionInfo& option) {
  std::vector<std::string> choices;
  for (const std::string& choice : option.choices) choices.push_back(bold(choice));
  return choices.empty() ? italic(option.value_type) : joined(choices, "|");
}

std::string option_entry(const OptionInfo& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back(bold(name));
  std::string out = ".TP\n" + joined(names, ", ");
  if (option.takes_value) out += " " + value_name(option);
  out += "\n" + escaped(option.description);
  if (option.takes_value && !option.default_value.empty())
    out += fmt::format(" (default: {})", escaped(option.default_value));
  return out + "\n";
}

/// [options] RELEASE…
std::string arguments_of(const CommandInfo& command) {
  std::string out;
  if (!command.options.empty()) out += " [" + italic("options") + "]";
  for (const OptionInfo& option : command.positionals) {
    const std::string name = italic(option.names.front()) + (option.takes_many ? " \\&..." : "");
    out += option.required ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string command_entry(const CommandInfo& command, const std::string& above) {
  const std::string name = above + " " + command.name;
  std::string out = fmt::format(".SS {}\n{}{}\n.PP\n{}\n", bold(command.name), bold(name), arguments_of(command),
                                escaped(command.description + "."));
  for (const OptionInfo& option : command.positionals)
    if (!option.description.empty())
      out += fmt::format(".TP\n{}\n{}\n", italic(option.names.front()), escaped(option.description));
  for (const OptionInfo& option : command.options)
    if (option.names.back() != "--help") out += option_entry(option);
  for (const CommandInfo& below : command.commands) out += command_entry(below, name);
  return out;
}

template <size_t n>
std::string section(std::string_view title, const Row (&rows)[n]) {
  std::string out = fmt::format(".SH {}\n", title);
  for (const Row& row : rows) out += fmt::format(".TP\n{}\n{}\n", bold(row.name), escaped(row.meaning));
  return out;
}

}  // namespace

std::string man_page(const CommandInfo& program) {
  std::string out = fmt::format(".TH CNPG\\-DBM 1 \"\" \"cnpg\\-dbm {}\" \"User Commands\"\n", kVersion);
  out += ".SH NAME\ncnpg\\-dbm \\- many databases and tenants on CloudNativePG from one values file\n";
  out += fmt::format(".SH SYNOPSIS\n{0} {1} [{2}]\n.br\n{3} {1} [{2}]\n", bold("cnpg-dbm"), italic("command"),
                     italic("options"), bold("kubectl dbm"));
  out += ".SH DESCRIPTION\n" + escaped(program.description) + "\n.PP\n" +
         escaped("The commands read the values file of the Helm chart cnpg-database-manager. `cnpg-dbm explain` "
                 "tells its keys, `cnpg-dbm init` prints one to start from.") + "\n";
  out += ".SH OPTIONS\n";
  for (const OptionInfo& option : program.options) out += option_entry(option);
  out += ".SH COMMANDS\nEvery command has " + bold("--help") + ".\n";
  for (const CommandInfo& command : program.commands) out += command_entry(command, "cnpg-dbm");
  out += section("EXIT STATUS", kExits) + section("ENVIRONMENT", kEnvironment) + section("FILES", kFiles);
  return out + ".SH SEE ALSO\n" + bold("kubectl") + "(1), " + bold("helm") + "(1), " + bold("psql") + "(1)\n";
}

}  // namespace dbm::cli
