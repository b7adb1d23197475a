#pragma once

// Where the writers write to.

#include <cstring>
#include <string>
#include <string_view>

namespace dbm::yaml {

/// Gathers what is written in a block of its own: most pieces are a few bytes long, and to append
/// each to a std::string costs more than writing it.
class Output {
 public:
  using value_type = char;  // for std::back_inserter

  explicit Output(std::string& out) : out_(out) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { flush(); }

  void push_back(char c) {
    if (size_ == sizeof block_) flush();
    block_[size_++] = c;
  }
  Output& operator+=(char c) {
    push_back(c);
    return *this;
  }
  Output& operator+=(std::string_view text) {
    if (text.size() > sizeof block_ - size_) return append_slowly(text);
    std::memcpy(block_ + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  void spaces(size_t count) {
    for (; count > kSpaces.size(); count -= kSpaces.size()) *this += kSpaces;
    if (kSpaces.size() > sizeof block_ - size_) flush();
    std::memcpy(block_ + size_, kSpaces.data(), kSpaces.size());  // a known size: no call
    size_ += count;
  }

 private:
  static constexpr std::string_view kSpaces = "                                ";

  Output& append_slowly(std::string_view text) {
    flush();
    out_ += text;
    return *this;
  }
  void flush() {
    out_.append(block_, size_);
    size_ = 0;
  }

  std::string& out_;
  size_t size_ = 0;
  char block_[4096];
};

}  // namespace dbm::yaml
