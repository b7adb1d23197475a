#pragma once

// The generated arrays; crd_table.h is how to ask them.

#include "cnpg/crd_table.h"

namespace dbm::cnpg::internal {

std::span<const std::string_view> texts();
std::span<const Type> types();
std::span<const Field> fields();
std::span<const Field> roots();  // by kind

}  // namespace dbm::cnpg::internal
