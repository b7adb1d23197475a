// cnpg-dbm krm: the KRM function protocol (kustomize, kpt). A ResourceList comes in on standard
// input; out goes the same list with our objects added, or replaced where they were there already.
// Its functionConfig holds the values:
//     kind: DatabaseValues
//     metadata: {name: RELEASE, namespace: NAMESPACE}
//     options: {cnpgVersion: "1.29", passwordKeyFile: key, strict: true}
//     spec: …the values file…
// Source: Configuration Functions Specification, config.kubernetes.io/v1.

#include <set>
#include <tuple>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/finish.h"
#include "release/passwords.h"
#include "yaml/at.h"
#include "yaml/reader.h"
#include "yaml/writer.h"

namespace dbm::cli {
namespace {

using yaml::Value;
using ObjectId = std::tuple<std::string, std::string, std::string>;

ObjectId id_of(const Value& object) {
  return {std::string(text_at(object, {"kind"})), std::string(text_at(object, {"metadata", "namespace"})),
          std::string(text_at(object, {"metadata", "name"}))};
}

struct Options {
  ValueFlags values;
  PasswordFlags passwords;
};

Options options_of(const Value& config) {
  Options options;
  if (auto name = text_at(config, {"metadata", "name"}); !name.empty())
    options.values.render.release = name;
  if (auto ns = text_at(config, {"metadata", "namespace"}); !ns.empty())
    options.values.render.ns = ns;
  options.values.cnpg_version = text_at(config, {"options", "cnpgVersion"});
  options.passwords.key_file = text_at(config, {"options", "passwordKeyFile"});
  options.values.lenient = text_at(config, {"options", "lenient"}) == "true";
  options.values.strict = text_at(config, {"options", "strict"}) == "true";
  return options;
}

/// A result of the protocol for every diagnostic.
Value results(yaml::Arena& arena, const Diagnostics& diagnostics) {
  Value list = Value::list(arena);
  for (const Diagnostic& d : diagnostics.sorted()) {
    Value result = Value::map(arena);
    std::string message = d.path.empty() ? d.message : fmt::format("{}: {}", d.path, d.message);
    if (!d.hint.empty()) message += fmt::format(" ({})", d.hint);
    result.append(arena, "message", Value::string(arena.copy(message)));
    result.append(arena, "severity",
                  Value::string(d.severity == Severity::kError ? "error" : "warning"));
    list.push(arena, result);
  }
  return list;
}

class Function {
 public:
  int run() {
    auto text = read_file("-");
    if (!text) return refuse(fmt::format("cannot read standard input: {}", text.error().message));
    const uint16_t source = input_.sources.add("<stdin>", std::move(*text));
    const auto list = yaml::read(input_.arena, input_.sources, source, input_.diagnostics);
    if (input_.diagnostics.has_errors()) return fail();
    const Value* config = list ? list->find("functionConfig") : nullptr;
    if (text_at(*list, {"kind"}) != "ResourceList" || config == nullptr)
      return refuse("standard input holds no ResourceList with a functionConfig",
                    "cnpg-dbm --help lists the commands");
    return render_into(*list, *config);
  }

 private:
  int refuse(std::string message, std::string hint = {}) {
    print_error({std::move(message), std::move(hint)});
    return kUsage;
  }
  int fail() {
    print_diagnostics(input_);
    return kRefused;
  }

  int render_into(const Value& list, const Value& config) {
    const Options options = options_of(config);
    if (const Value* spec = config.find("spec")) input_.tree = *spec;
    values::check(input_, options.values,
               render::applyset_id(options.values.render.release, options.values.render.ns));
    print_diagnostics(input_);
    if (input_.diagnostics.has_errors()) return write(list, {}, kRefused);
    const auto passwords = release::Passwords::make(options.passwords.key_file, input_.clusters, input_.options.ns);
    if (!passwords) {
      print_error(passwords.error());
      return kRefused;
    }
    std::vector<Value> made;
    for (const render::Unit& unit : render::units(input_.values, input_.clusters, input_.options))
      render::render(
          input_.values, unit, input_.options,
          [&](const spec::Cluster& cluster, size_t index) { return passwords->of(cluster, index); },
          [&](const render::Object& object) { made.push_back(keep(object.value)); });
    if (passwords->generated())
      print_warning("the passwords are new: another run makes others",
                    "give options.passwordKeyFile, or set roleSecrets.source: external");
    return write(list, made, kDone);
  }

  /// A copy that outlives the renderer's arena, texts included.
  Value keep(const Value& value) {
    yaml::Arena& arena = input_.arena;
    if (value.is_map()) {
      Value map = Value::map(arena, {}, value.members().size());
      for (const yaml::Member& m : value.members())
        map.append(arena, arena.copy(m.key), keep(m.value));
      return map;
    }
    if (value.is_list()) {
      Value list = Value::list(arena, {}, value.items().size());
      for (const Value& item : value.items()) list.push(arena, keep(item));
      return list;
    }
    return Value::scalar(value.kind(), arena.copy(value.text()));
  }

  int write(const Value& list, const std::vector<Value>& made, int exit) {
    yaml::Arena& arena = input_.arena;
    std::set<ObjectId> ours;
    for (const Value& object : made) ours.insert(id_of(object));
    Value items = Value::list(arena);
    if (const Value* old = list.find("items"))
      for (const Value& item : old->items())
        if (!ours.contains(id_of(item))) items.push(arena, item);
    for (const Value& object : made) items.push(arena, object);

    Value result = Value::map(arena);
    result.append(arena, "apiVersion", Value::string("config.kubernetes.io/v1"));
    result.append(arena, "kind", Value::string("ResourceList"));
    result.append(arena, "items", items);
    const Value said = results(arena, input_.diagnostics);
    if (said.size() > 0) result.append(arena, "results", said);
    Stdout out;
    yaml::write_yaml(out.buffer(), result);
    return finish(out, exit);
  }

  Input input_;
};

}  // namespace

int run_krm_function() { return Function().run(); }

void add_krm(Command program) {
  Command command = program.subcommand("krm", "Be a KRM function (kustomize, kpt): a ResourceList in, a ResourceList out");
  command.run([] { return run_krm_function(); });
}

}  // namespace dbm::cli
