#include "sql/late_libpq.h"

#include <dlfcn.h>

#include <optional>

namespace dbm::sql {
namespace {

std::optional<Libpq> load() {
  void* library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::nullopt;
  Libpq out;
  bool complete = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    complete = complete && function != nullptr;
  };
#define DBM_FIND(name) find(out.name, "PQ" #name);
  DBM_LIBPQ_FUNCTIONS(DBM_FIND)
#undef DBM_FIND
  return complete ? std::optional(out) : std::nullopt;
}

}  // namespace

const Libpq* load_libpq() {
  static const std::optional<Libpq> loaded = load();
  return loaded ? &*loaded : nullptr;
}

}  // namespace dbm::sql
