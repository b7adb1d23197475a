#include "cli/input.h"

#include "cli/io.h"

namespace dbm::cli {

std::unique_ptr<Input> read_input(const ValueFlags& flags) { return values::read(flags, flags, read_file); }

}  // namespace dbm::cli
