// The report of a run: one HTML page that needs nothing else. No script, no request, no font file;
// a content security policy in the page forbids them, so that words of a peer that should ever get
// past the escaping could still load nothing.
#pragma once

#include <string>

#include "experiments/report/run_record.h"

namespace atl::workbench {

std::string render_page(const RunRecord& run);

}  // namespace atl::workbench
