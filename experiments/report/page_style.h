// The look of the report: one style sheet, inside the page.
#pragma once

#include <string_view>

namespace atl::workbench {

// Light, dark (prefers-color-scheme), narrow screens and paper. Loads nothing.
std::string_view page_style();

}  // namespace atl::workbench
