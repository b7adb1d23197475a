#pragma once

// Errors as values: what a function that can fail gives back. No exception crosses a module's
// border; a broken promise of the caller (value() of an error) is an assert, not an error.
// Mistakes in the input file go to Diagnostics instead, which has places and lists them all.

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error_code.h"

namespace dbm {

/// What went wrong (`message`, begins in lower case, no full stop) and what the user can do about
/// it (`hint`, may be empty). Programs decide by `code`, never by the text. Never holds a secret.
struct Error {
  std::string message;
  std::string hint;
  ErrorCode code = ErrorCode::kFailed;

  /// The same error and code, with the message "context: message".
  Error about(std::string_view context) && {
    message.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }
};

/// Either a T or an Error; owns it. Threads: as T.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Only when ok().
  T& value() & { return *checked(); }
  const T& value() const& { return *const_cast<Result*>(this)->checked(); }
  T value() && { return std::move(*checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return checked(); }
  const T* operator->() const { return &value(); }

  /// Only when not ok().
  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T* checked() {
    assert(ok());
    return std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

/// For functions that give nothing back but whether they worked: `return Ok{};`.
struct Ok {};
using Status = Result<Ok>;

}  // namespace dbm
