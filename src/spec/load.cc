#include "spec/load.h"

#include "spec/keys.h"
#include "spec/rules.h"

namespace dbm::spec {

Values load(yaml::Arena& arena, const yaml::Value& tree, Diagnostics& diagnostics,
            const schema::DecodeOptions& options) {
  Values values;
  if (tree.is_null()) {
    diagnostics.warning("empty-file", tree.pos(), {}, "the values file is empty: nothing is made",
                        "cnpg-dbm init prints one to start from");
    return values;
  }
  schema::Decoder decoder(arena, diagnostics, options);
  decoder.decode_root(tree, values);
  for (auto& entry : values.clusters) {
    entry.value.name = entry.key;
    entry.value.name_pos = entry.pos;
  }
  check_values(values, options.version, diagnostics);
  return values;
}

}  // namespace dbm::spec
