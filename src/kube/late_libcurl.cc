#include "kube/late_libcurl.h"

#include <dlfcn.h>

#include <optional>
#include <type_traits>

namespace dbm::kube {
namespace {

std::optional<Libcurl> load() {
  void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::nullopt;
  Libcurl out;
  bool complete = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    complete = complete && function != nullptr;
  };
#define DBM_FIND(name) find(out.name, "curl_" #name);
  DBM_LIBCURL_FUNCTIONS(DBM_FIND)
#undef DBM_FIND
  if (!complete || out.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return std::nullopt;
  const bool http2 = (out.version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
  return http2 ? std::optional(out) : std::nullopt;
}

}  // namespace

const Libcurl* load_libcurl() {
  static const std::optional<Libcurl> loaded = load();
  return loaded ? &*loaded : nullptr;
}

}  // namespace dbm::kube
