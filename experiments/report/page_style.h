// The look of the report: one style sheet, inside the page.
#pragma once

#include <string>
#include <string_view>

namespace atl::workbench {

// Light, dark (prefers-color-scheme), narrow screens and paper. Loads nothing.
std::string_view page_style();
// A page from its first byte to the opened <main>: it may load nothing, from nowhere.
std::string page_head(const std::string& title);

}  // namespace atl::workbench
