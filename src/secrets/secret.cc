#include "secrets/secret.h"

#include <openssl/crypto.h>

namespace dbm::secrets {

void wipe(void* data, size_t size) { OPENSSL_cleanse(data, size); }

void wipe(std::string& text) {
  // A short text lies in the object itself, and a move leaves it there behind the new end.
  text.resize(text.capacity());
  wipe(text.data(), text.size());
  text.clear();
}

}  // namespace dbm::secrets
