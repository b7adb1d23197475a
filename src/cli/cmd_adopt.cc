// cnpg-dbm adopt: takes over a release that Helm made, and gives it back.

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/diff_report.h"
#include "cli/finish.h"
#include "cli/kubernetes.h"
#include "release/adopt.h"
#include "release/changes.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

struct Flags {
  ReleaseFlags release;
  KubeFlags kube;
  std::vector<std::string> files;
  std::string values_to, dry_run = "none";
  bool back = false;
};

/// The values that Helm rendered the release with, or the -f files, read as ours.
std::unique_ptr<Input> read_values(const Flags& flags, const release::HelmRelease& helm, const release::Release& release,
                                   const std::string& cnpg_version) {
  ValueFlags values;
  values.files = flags.files;
  values.lenient = true;
  values.cnpg_version = cnpg_version;
  values.render.release = release.name;
  values.render.ns = release.ns;
  if (!flags.files.empty()) return read_input(values);
  auto input = std::make_unique<Input>();
  input->tree = yaml::copy(input->arena, helm.values);
  values::check(*input, values, release.applyset);
  return input;
}

/// What the next apply would do, as far as it is more than our marks.
Status print_improvements(const Flags& flags, const release::HelmRelease& helm, const release::Adoption& adoption,
                          release::Session& session, Stdout& out) {
  auto api = release::find_cnpg_api(session.client(), session.live().set().cnpg_api);
  if (!api) return std::move(api).error();
  const auto input = read_values(flags, helm, session.release(), std::string(cnpg::to_string(api->version)));
  print_diagnostics(*input);
  if (input->diagnostics.has_errors()) {
    print_warning("the values have to be mended before the next apply", "adopting is possible all the same");
    return Ok{};
  }
  if (auto looked = session.look({&input->values, input->clusters, input->options, {}}); !looked) return looked;
  const release::Plan plan = session.plan({});
  const auto changes = release::find_changes(session.client(), session.release(), plan, /*force_conflicts=*/true);
  std::vector<release::StepChanges> shown;
  for (const release::StepChanges& change : changes.steps) {
    release::StepChanges& copy = shown.emplace_back(change);
    std::erase_if(copy.fields, [](const release::FieldChange& field) {
      return field.path.starts_with(".metadata.labels") || field.path.starts_with(".metadata.annotations");
    });
    if (copy.action == release::Action::kSame || (copy.action == release::Action::kChange && copy.fields.empty())) shown.pop_back();
  }
  std::set<release::Id> wanted;
  for (const release::Object& object : session.wanted().objects) wanted.insert(object.id());
  std::vector<std::string> unwanted;
  for (const release::Move& move : adoption.moves)
    if (!wanted.contains(move.live->id())) unwanted.push_back(move.about);
  out.write(shown.empty() && unwanted.empty() ? "The next apply would change nothing\n" : "The next apply would change:\n");
  DiffPrinter printer(out);
  for (const release::StepChanges& change : shown) printer.step(change, session.release());
  for (const std::string& object : unwanted) out.write(fmt::format("- {}\n", object));
  for (const std::string& notice : plan.notices) print_warning(notice);
  for (const Error& refusal : plan.refusals) print_error(refusal);
  for (const release::Danger& danger : plan.dangers) print_warning(fmt::format("the guard will hold back: {}: {}", danger.object, danger.what));
  return Ok{};
}

int keep_values(const Flags& flags, const release::HelmRelease& helm) {
  if (flags.values_to.empty()) return kDone;
  std::string text;
  yaml::write_yaml(text, helm.values);
  const Status written = write_file(flags.values_to, text, /*is_private=*/true);
  if (written) return kDone;
  print_error(written.error());
  return kRefused;
}

/// The proof, said; kDone: it holds.
int prove(kube::Client& client, const release::Adoption& adoption, Stdout& out) {
  for (const std::string& lost : adoption.lost)
    print_warning(fmt::format("{} is in Helm's manifest and not on the server", lost));
  for (const Error& refusal : adoption.refusals) print_error(refusal);
  if (!adoption.refusals.empty()) return kRefused;
  const release::Proof proof = release::prove(client, adoption);
  if (!proof.failures.empty()) return print_failures(proof.failures);
  for (const std::string& change : proof.changes) print_error({fmt::format("adopting would change {}", change), {}});
  if (!proof.holds()) return kRefused;
  out.write(fmt::format("{} objects tried by dry run: only labels, annotations and field managers change; no Pod restarts, no object goes, "
                        "{} passwords stay as they are\n", adoption.moves.size(), adoption.passwords));
  return kDone;
}

int take_over(const Flags& flags, Kubernetes& kubernetes, release::Session& session, const release::HelmSecrets& helm) {
  release::Live live;
  release::Adoption adoption;
  if (auto planned = release::plan_adoption(kubernetes.client(), session.kinds(), session.release(), *helm.latest, live, adoption); !planned)
    return print_unanswered(planned.error());
  Stdout out;
  out.write(fmt::format("Helm's release {}, revision {}, of chart {}: {} objects\n", helm.latest->name, helm.latest->revision, helm.latest->chart,
                        helm.latest->objects.size()));
  if (adoption.leftovers > 0)
    print_warning(fmt::format("revision {} of Helm did not end well; what only it made is taken over too: {} {}", helm.unfinished.front()->revision,
                              adoption.leftovers, adoption.leftovers == 1 ? "object" : "objects"));
  if (const int exit = prove(kubernetes.client(), adoption, out); exit != kDone) return finish(out, exit);
  if (auto improvements = print_improvements(flags, *helm.latest, adoption, session, out); !improvements)
    return finish(out, print_unanswered(improvements.error()));
  if (const int exit = keep_values(flags, *helm.latest); exit != kDone) return finish(out, exit);
  if (flags.dry_run == "server") return finish(out, kDone);
  ProgressLine line;
  const auto failures = release::adopt(kubernetes.client(), session.release(), helm, adoption, [&](const release::Progress& progress) {
    line.show(fmt::format("{} of {}", progress.done, progress.total));
  });
  line.end();
  if (!failures.empty()) {
    const int exit = print_failures(failures);
    fmt::print(stderr, "cnpg-dbm: run adopt again to go on, or adopt --back to undo it\n");
    return finish(out, exit);
  }
  out.write(fmt::format("{} in {}: adopted, {} objects are ours; adopt --back gives them back to Helm\n", session.release().name,
                        session.release().ns, adoption.moves.size() + adoption.done));
  return finish(out, kDone);
}

int give_back(const Flags& flags, Kubernetes& kubernetes, release::Session& session) {
  kube::Client& client = kubernetes.client();
  const auto helm = release::look_for_helm(client, kubernetes.ns(), flags.release.name, release::HelmOwner::kAny);
  if (!helm) return print_unanswered(helm.error());
  if (helm->latest == nullptr || session.live().parent() == nullptr) {
    print_error({fmt::format("release {} in namespace {} was not adopted from Helm", flags.release.name, kubernetes.ns()), {}});
    return kRefused;
  }
  if (auto looked = session.look_for_all(); !looked) return print_unanswered(looked.error());
  release::Live& live = session.live();
  const auto given = release::give_back(client, session.kinds(), session.release(), *helm, live);
  if (!given.failures.empty()) return print_failures(given.failures);
  Stdout out;
  out.write(fmt::format("{} in {}: {} objects are Helm's again\n", flags.release.name, kubernetes.ns(), given.objects));
  for (const std::string& left : given.left) print_warning(fmt::format("{} was not made by Helm: it stays, and is nobody's", left));
  return finish(out, kDone);
}

int adopt(const Flags& flags) {
  const auto kubernetes = Kubernetes::open(flags.kube, flags.release.ns);
  if (kubernetes == nullptr) return kRefused;
  release::Release release = kubernetes->release(flags.release.name);
  if (!flags.back) release.adopting = release.name;
  release::Session session(kubernetes->client(), release);
  if (auto parent = session.look_for_parent(); !parent) return print_unanswered(parent.error());
  if (flags.back) return give_back(flags, *kubernetes, session);
  auto helm =
      release::look_for_helm(kubernetes->client(), kubernetes->ns(), flags.release.name, release::HelmOwner::kHelm);
  if (!helm) return print_unanswered(helm.error());
  if (helm->latest != nullptr) return take_over(flags, *kubernetes, session, *helm);
  if (!session.live().set().adopted.empty()) {
    print_warning(fmt::format("release {} in namespace {} is adopted already", release.name, release.ns));
    return kDone;
  }
  print_error({fmt::format("Helm has no deployed release {} in namespace {}", release.name, release.ns), "helm list -A shows what there is"});
  return kRefused;
}

}  // namespace

void add_adopt(Command program) {
  Command command = program.subcommand("adopt", "Take over a release that Helm made: nothing restarts, no password changes");
  auto flags = std::make_shared<Flags>();
  flags->release.add_to(command);
  flags->kube.add_to(command);
  command.option("-f,--values", flags->files, "values file for what the next apply would do (default: the release's own values)").file();
  command.option("--values-to", flags->values_to, "write the release's values into this file").file();
  command.option("--dry-run", flags->dry_run, "server: everything but writing").choices({"none", "server"});
  command.flag("--back", flags->back, "give the release back to Helm");
  command.run([flags] { return adopt(*flags); });
}

}  // namespace dbm::cli
