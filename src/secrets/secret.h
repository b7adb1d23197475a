#pragma once

// A text that must not be seen: it cannot be printed or formatted, and is wiped when it goes.

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace dbm::secrets {

/// Overwrites the bytes in a way that no compiler leaves out (OPENSSL_cleanse).
void wipe(void* data, size_t size);
/// Overwrites the whole buffer of a string, what lies behind its end too, and empties it.
void wipe(std::string& text);

/// Owns the text. There is no way to print it: no conversion, no `<<`, no formatter for fmt (the
/// test asserts it). Copies are made only where they are written out; each is wiped. Threads: as
/// std::string.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string&& text) : text_(std::move(text)) { wipe(text); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~Secret() { wipe(text_); }

  /// The text itself, for the one place that must have it; good while this object lives unchanged.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace dbm::secrets
