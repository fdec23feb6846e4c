// What pages are put together from. Text is escaped here, unless a parameter says that it is HTML.
#pragma once

#include <string>
#include <vector>

namespace atl::workbench {

// "" where there is no content.
std::string page_section(const std::string& title, const std::string& content_html);
std::string page_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows);
// A box with a list; "" for none.
std::string page_notes(const std::vector<std::string>& notes);

}  // namespace atl::workbench
