#pragma once

// Diagnostics as people and machines read them: compiler style with the line and a caret, JSON,
// or SARIF 2.1.0.

#include <string>

#include "base/diagnostics.h"

namespace dbm::cli {

std::string report_text(const Sources& sources, const Diagnostics& diagnostics, bool colour);
std::string report_json(const Sources& sources, const Diagnostics& diagnostics);
std::string report_sarif(const Sources& sources, const Diagnostics& diagnostics);

}  // namespace dbm::cli
