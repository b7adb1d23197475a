#pragma once

// What every renderer of a kind gets: the plan, the options, and how objects are begun and ended.

#include <string>

#include "render/build.h"
#include "render/render.h"

namespace dbm::render {

/// Labels that tell what an object is about; empty ones are left out.
struct About {
  std::string_view cluster = {}, database = {}, pooler = {};
  const schema::Dict<std::string_view>* labels = nullptr;       // the file's own
  const schema::Dict<std::string_view>* annotations = nullptr;  // the file's own
};

class Context {
 public:
  /// All of them must outlive it.
  Context(const spec::Values& values, const Unit& unit, const Options& options,
          const PasswordOf& password, const Sink& sink);

  const spec::Values& values;
  std::span<const ClusterPlan> clusters;
  const Options& options;
  const PasswordOf& password;
  yaml::Arena arena{64 * 1024};  // of the object that is being made

  /// A new object with its metadata. Cluster-scoped when `ns` is empty. `pos` is where the file
  /// asks for it.
  Map object(std::string_view api_version, std::string_view kind, std::string_view name,
             std::string_view ns, const About& about, Pos pos = {});
  /// Hands the object on and forgets it: everything of the arena is gone afterwards.
  void emit(const Map& object);
  void emit_foreign(const yaml::Value& object, std::string_view default_ns);

 private:
  const Sink& sink_;
  yaml::Arena own_{1024};  // of what all objects share
  Map common_labels_;  // of every object
  yaml::Value ns_;     // the release's
};

inline constexpr std::string_view kCnpgApi = "postgresql.cnpg.io/v1";

}  // namespace dbm::render
