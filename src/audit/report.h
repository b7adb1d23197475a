#pragma once

// An audit as people and machines read it. Pure: texts out of data. No secret can be in them.

#include <string>
#include <vector>

#include "audit/audit.h"

namespace dbm::audit {

struct ReportOptions {
  bool colour = false;
  size_t width = 100;  // of the terminal; a matrix that does not fit is left out for its breaches
};

/// The matrix (roles by databases) with its legend, or its summary by class; the logins that were
/// tried; the findings; the verdict.
std::string report_text(const Audit& audit, const ReportOptions& options);

/// One JSON object; its keys are described in docs/audit.md.
std::string report_json(const Audit& audit, const std::vector<Fixed>& fixed);

}  // namespace dbm::audit
