#pragma once

// A look at PEM texts before they go to the TLS library, whose messages name no file.

#include <optional>
#include <string_view>

#include "base/result.h"

namespace dbm::kube {

/// What is wrong with a text that should hold certificates, or one private key.
std::optional<Error> certificate_problem(std::string_view pem);
std::optional<Error> key_problem(std::string_view pem);

}  // namespace dbm::kube
