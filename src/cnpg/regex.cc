#include "cnpg/regex.h"

#include <memory>
#include <unordered_map>

#include <re2/re2.h>

namespace dbm::cnpg {

bool matches(std::string_view pattern, std::string_view text) {
  thread_local std::unordered_map<std::string_view, std::unique_ptr<RE2>> compiled;
  std::unique_ptr<RE2>& regex = compiled[pattern];
  if (!regex) regex = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), RE2::Quiet);
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex);
}

std::optional<std::string> regex_mistake(std::string_view pattern) {
  const RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), RE2::Quiet);
  return regex.ok() ? std::nullopt : std::optional(regex.error());
}

}  // namespace dbm::cnpg
