#include "cli/program.h"

namespace dbm::cli {
namespace {

std::string& name() {
  static std::string name = "cnpg-dbm";
  return name;
}

}  // namespace

const std::string& program_name() { return name(); }

void set_program_name(std::string_view argv0) {
  if (argv0.substr(argv0.rfind('/') + 1) == "kubectl-dbm") name() = "kubectl dbm";
}

std::string as_called(std::string_view text) {
  constexpr std::string_view kQuoted = "`cnpg-dbm ";
  std::string out(text);
  const std::string ours = "`" + name() + " ";
  for (size_t at = 0; (at = out.find(kQuoted, at)) != out.npos; at += ours.size()) out.replace(at, kQuoted.size(), ours);
  return out;
}

}  // namespace dbm::cli
