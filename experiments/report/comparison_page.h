// Several runs on one HTML page, as self-contained as a run's own (page.h).
#pragma once

#include <string>

#include "experiments/report/comparison.h"

namespace atl::workbench {

std::string render_page(const Comparison& comparison);

}  // namespace atl::workbench
