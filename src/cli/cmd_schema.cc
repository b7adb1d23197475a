// cnpg-dbm schema and explain: the table of keys, for editors and for people.

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "schema/explain.h"
#include "schema/json_schema.h"
#include "spec/keys.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  std::string cnpg_version{cnpg::to_string(cnpg::kLatest)};
  std::string output = "json";
  std::string path;
};

void add_version_flag(Command command, Flags& flags) {
  command.option("--cnpg-version", flags.cnpg_version, "CloudNativePG's version, 1.25 to 1.30").show_default()
      .check([](const std::string& text) {
        return cnpg::parse_version(text) ? "" : fmt::format("{} is not known", printable(text));
      });
}

const schema::Record& root() { return schema::record_of<spec::Values>(); }

int print_schema(const Flags& flags) {
  Stdout out;
  if (flags.output == "markdown") {
    out.write(schema::markdown(root()));
  } else {
    yaml::Arena arena;
    yaml::write_json(out.buffer(),
                     schema::json_schema(root(), *cnpg::parse_version(flags.cnpg_version), arena), 2);
    out.write("\n");
  }
  return finish(out, kDone);
}

int print_explanation(const Flags& flags) {
  const auto text = schema::explain(root(), flags.path, *cnpg::parse_version(flags.cnpg_version));
  if (!text) {
    print_error(text.error());
    return kRefused;
  }
  Stdout out;
  out.write(*text);
  return finish(out, kDone);
}

}  // namespace

void add_schema(Command program) {
  Command command = program.subcommand("schema", "Print the JSON Schema of the values file");
  auto flags = std::make_shared<Flags>();
  add_version_flag(command, *flags);
  command.option("-o,--output", flags->output, "json, or markdown: the reference of all keys")
      .choices({"json", "markdown"});
  command.run([flags] { return print_schema(*flags); });
}

void add_explain(Command program) {
  Command command = program.subcommand("explain", "Say what a key means: explain clusters.backup.s3");
  auto flags = std::make_shared<Flags>();
  add_version_flag(command, *flags);
  command.argument("PATH", flags->path, "the key; none: the top of the file");
  command.run([flags] { return print_explanation(*flags); });
}

}  // namespace dbm::cli
