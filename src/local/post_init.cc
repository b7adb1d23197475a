#include "local/post_init.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "base/files.h"

namespace dbm::local {
namespace {

constexpr std::string_view kAll = "all\n";

}  // namespace

Result<std::optional<size_t>> PostInit::next() const {
  if (access(file_.c_str(), F_OK) != 0 && errno == ENOENT) return std::optional<size_t>();
  const auto text = read_text(file_);
  if (!text) return text.error();
  if (*text == kAll) return std::optional<size_t>();
  size_t next = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, next);
  if (error != std::errc() || std::string_view(at, end) != "\n")
    return Error{fmt::format("{} does not tell how many statements of initdb.postInitSQL were run", file_.string()),
                 "write that number into it, or all"};
  return std::optional(next);
}

Status PostInit::keep(size_t next) const {
  return write_atomically(file_, fmt::format("{}\n", next), 0600, /*durable=*/true);
}

Status PostInit::finish() const { return write_atomically(file_, kAll, 0600, /*durable=*/true); }

}  // namespace dbm::local
