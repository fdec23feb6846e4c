// The look of the report: one style sheet, inside the page.
#pragma once

#include <string>
#include <string_view>

namespace atl::workbench {

// Light, dark (prefers-color-scheme), narrow screens and paper. Loads nothing.
std::string_view page_style();
// What of it a drawing needs, for a file of its own: light, without variables.
std::string drawing_style();
// A page from its first byte to the opened <main>: it may load nothing, from nowhere.
std::string page_head(const std::string& title);
// Whether a text begins as a page of Atoll does, so that it may be written anew.
bool is_page(std::string_view text);

}  // namespace atl::workbench
