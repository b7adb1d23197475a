// cnpg-dbm template: the Kubernetes objects of a values file.

#include <mutex>

#include <fmt/format.h>

#include "base/parallel.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "release/passwords.h"
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

std::unique_ptr<ObjectWriter> make_writer(const Flags& flags) {
  if (!flags.folder.empty()) return folder_writer(flags.folder);
  return flags.output == "json" ? json_writer() : yaml_writer();
}

/// Says which --show-only found nothing, with the nearest object there is.
int refuse_unused(const Selection& selection, const std::vector<std::string>& seen) {
  const std::vector<std::string_view> names(seen.begin(), seen.end());
  for (const std::string& pattern : selection.unused())
    print_error({fmt::format("--show-only {}: there is no such object", printable(pattern)),
                 did_you_mean(pattern, names)});
  return selection.unused().empty() ? kDone : kRefused;
}

/// Memory for texts, used again: fresh pages for each would cost as much as writing them.
class Buffers {
 public:
  std::string take() {
    std::string buffer;
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) {
      buffer.reserve(kUsual);
    } else {
      buffer = std::move(spare_.back());
      spare_.pop_back();
    }
    return buffer;
  }
  void give(std::string&& buffer) {
    buffer.clear();
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t kUsual = 512 * 1024;  // most units' text; pages come with the first use

  std::mutex mutex_;
  std::vector<std::string> spare_;
};

/// The units of the result, on as many threads as the writer and the selection allow.
int render_all(const Flags& flags, const Input& input, const release::Passwords& passwords) {
  const auto units = render::units(input.values, input.clusters, input.options);
  const auto writer = make_writer(flags);
  Selection selection(flags.show_only);
  std::vector<std::string> seen;
  const bool concurrent = writer->is_concurrent() && flags.show_only.empty();
  const auto password = [&](const spec::Cluster& cluster, size_t index) {
    return passwords.of(cluster, index);
  };
  Stdout out;
  out.write(writer->begin());
  bool first = true;
  Buffers buffers;
  ordered_parallel(
      units.size(), concurrent ? worker_count(units.size()) : 1,
      [&](size_t i) {
        std::string text = buffers.take();
        if (out.error() != 0) return text;  // nobody reads any more
        render::render(input.values, units[i], input.options, password,
                       [&](const render::Object& object) {
                         if (!flags.show_only.empty())
                           seen.push_back(fmt::format("{}/{}", object.kind, object.name));
                         if (!selection.takes(object)) return;
                         if (!text.empty()) text += writer->separator();
                         writer->text_of(object, text);
                       });
        return text;
      },
      [&](std::string&& text) {
        if (text.empty()) return;
        if (!first) out.write(writer->separator());
        first = false;
        out.write(text);
        buffers.give(std::move(text));
      });
  out.write(writer->end());
  if (const auto failure = writer->failure()) {
    print_error(*failure);
    return finish(out, kRefused);
  }
  return finish(out, refuse_unused(selection, seen));
}

int print_template(const Flags& flags) {
  const auto input = read_input(flags.values);
  print_diagnostics(*input);
  if (input->diagnostics.has_errors()) return exit_code(*input);
  const auto passwords = release::Passwords::make(flags.passwords.key_file, input->clusters, input->options.ns);
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

void add_template(Command program) {
  Command command = program.subcommand("template", "Print the Kubernetes objects of a values file");
  auto flags = std::make_shared<Flags>();
  flags->values.add_to(command);
  flags->passwords.add_to(command);
  command.option("-o,--output", flags->output, "yaml or json").choices({"yaml", "json"});
  command.option("--output-dir", flags->folder, "write a file an object into this folder").folder();
  command.option("-s,--show-only", flags->show_only, "only these: KIND/NAME or KIND");
  command.run([flags] { return print_template(*flags); });
}

}  // namespace dbm::cli
