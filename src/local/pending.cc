#include "local/pending.h"

#include "base/files.h"

namespace dbm::local {

bool Pending::is_set() const {
  std::error_code error;
  return std::filesystem::exists(file_, error) || error;  // rather one reload too many
}

Status Pending::set() const { return is_set() ? Status(Ok{}) : write_atomically(file_, "", 0600); }

void Pending::clear() const {
  std::error_code error;
  std::filesystem::remove(file_, error);
}

}  // namespace dbm::local
