#pragma once

// The values of a command line: values::read() with the files and standard input of this process.

#include <memory>

#include "cli/flags.h"
#include "values/read.h"

namespace dbm::cli {

using Input = values::Checked;

std::unique_ptr<Input> read_input(const ValueFlags& flags);

}  // namespace dbm::cli
