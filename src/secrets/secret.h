#pragma once

// A text that must not be seen: it cannot be printed or formatted, and is wiped when it goes.

#include <string>
#include <string_view>
#include <utility>

namespace dbm::secrets {

/// Overwrites the bytes in a way that no compiler leaves out.
void wipe(void* data, size_t size);

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::exchange(other.text_, {})) {}
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~Secret() { wipe(text_.data(), text_.size()); }

  /// The text itself, for the one place that must have it.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace dbm::secrets
