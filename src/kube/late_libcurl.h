#pragma once

// libcurl, loaded when an API server is first asked: it and what it brings along (LDAP, SSH,
// Kerberos) would more than double the start of every command that asks none. The functions are
// libcurl's own without their curl_: curl().easy_init(). For .cc files only.

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#define DBM_LIBCURL_FUNCTIONS(X)                                                            \
  X(easy_cleanup) X(easy_getinfo) X(easy_init) X(easy_reset) X(easy_setopt) X(easy_strerror) \
  X(global_init) X(multi_add_handle) X(multi_cleanup) X(multi_info_read) X(multi_init)      \
  X(multi_perform) X(multi_poll) X(multi_remove_handle) X(multi_setopt) X(slist_append)     \
  X(slist_free_all) X(version_info)

namespace dbm::kube {

struct Libcurl {
#define DBM_MEMBER(name) decltype(&::curl_##name) name = nullptr;
  DBM_LIBCURL_FUNCTIONS(DBM_MEMBER)
#undef DBM_MEMBER
};

/// Null when this machine has no libcurl.so.4 with HTTP/2. Any thread; loaded once.
const Libcurl* load_libcurl();

/// For who holds a connection: it is loaded then.
inline const Libcurl& curl() {
  static const Libcurl& loaded = *load_libcurl();
  return loaded;
}

}  // namespace dbm::kube
