// cnpg-dbm template: the Kubernetes objects of a values file.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/passwords.h"
#include "cli/writers.h"

namespace dbm::cli {
namespace {

struct Flags {
  ValueFlags values;
  PasswordFlags passwords;
  std::string output = "yaml";
  std::string folder;
  std::vector<std::string> show_only;
};

std::unique_ptr<ObjectWriter> make_writer(const Flags& flags, Stdout& out) {
  if (!flags.folder.empty()) return folder_writer(out, flags.folder);
  return flags.output == "json" ? json_writer(out) : yaml_writer(out);
}

/// Says which --show-only found nothing, with the nearest object there is.
int refuse_unused(const Selection& selection, const std::vector<std::string>& seen) {
  const std::vector<std::string_view> names(seen.begin(), seen.end());
  for (const std::string& pattern : selection.unused())
    print_error({fmt::format("--show-only {}: there is no such object", printable(pattern)),
                 did_you_mean(pattern, names)});
  return selection.unused().empty() ? kDone : kRefused;
}

int render_all(const Flags& flags, const Input& input, Passwords& passwords) {
  Stdout out;
  const auto writer = make_writer(flags, out);
  Selection selection(flags.show_only);
  std::vector<std::string> seen;
  render::render(
      input.values, input.clusters, input.options,
      [&](const spec::Cluster& cluster, size_t index, const spec::ClusterRole& role) {
        return passwords.of(cluster, index, role);
      },
      [&](const render::Object& object) {
        if (!flags.show_only.empty()) seen.push_back(fmt::format("{}/{}", object.kind, object.name));
        if (out.error() == 0 && selection.takes(object)) writer->write(object);
      });
  const auto closed = writer->close();
  if (!closed) print_error(closed.error());
  const int exit = closed ? refuse_unused(selection, seen) : kRefused;
  return finish(out, exit);
}

int print_template(const Flags& flags) {
  const auto input = read_input(flags.values);
  print_diagnostics(*input);
  if (input->diagnostics.has_errors()) return kRefused;
  auto passwords = Passwords::open(flags.passwords, input->clusters, input->options.ns);
  if (!passwords) {
    print_error(passwords.error());
    return kRefused;
  }
  const int exit = render_all(flags, *input, *passwords);
  if (passwords->generated())
    print_warning("the passwords are new: another run prints others",
                  "for stable ones, give --password-key-file (cnpg-dbm keygen makes the key), or "
                  "set roleSecrets.source: external");
  return exit;
}

}  // namespace

void add_template(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("template", "Print the Kubernetes objects of a values file");
  auto flags = std::make_shared<Flags>();
  flags->values.add_to(*command);
  flags->passwords.add_to(*command);
  command->add_option("-o,--output", flags->output, "yaml or json")
      ->check(CLI::IsMember({"yaml", "json"}));
  command->add_option("--output-dir", flags->folder, "write a file an object into this folder");
  command->add_option("-s,--show-only", flags->show_only, "only these: KIND/NAME or KIND")
      ->allow_extra_args(false)
      ->take_all();
  command->callback([flags, &exit] { exit = print_template(*flags); });
}

}  // namespace dbm::cli
