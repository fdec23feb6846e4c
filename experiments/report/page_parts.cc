#include "experiments/report/page_parts.h"

#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

constexpr size_t kLongestNote = 600;

std::string row(const std::vector<std::string>& fields, const std::string& tag) {
  std::string out = "<tr>";
  for (const auto& field : fields) out += "<" + tag + ">" + escape_html(field) + "</" + tag + ">";
  return out + "</tr>";
}

}  // namespace

std::string page_section(const std::string& title, const std::string& content_html) {
  if (content_html.empty()) return "";
  return "<section><h2>" + escape_html(title) + "</h2>" + content_html + "</section>\n";
}

std::string page_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<div class=\"scroll\"><table><thead>" + row(head, "th") + "</thead><tbody>";
  for (const auto& fields : rows) out += row(fields, "td");
  return out + "</tbody></table></div>";
}

std::string page_notes(const std::vector<std::string>& notes) {
  if (notes.empty()) return "";
  std::string out = "<div class=\"notes\"><ul>";
  for (const auto& note : notes)
    out += "<li>" + escape_html(shortened(note, kLongestNote)) + "</li>";
  return out + "</ul></div>";
}

}  // namespace atl::workbench
