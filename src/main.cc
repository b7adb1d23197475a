#include "cli/cli.h"

int main(int argc, char** argv) { return dbm::cli::run(argc, argv); }
