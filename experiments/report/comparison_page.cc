#include "experiments/report/comparison_page.h"

#include "experiments/report/comparison_figures.h"
#include "experiments/report/page_parts.h"
#include "experiments/report/page_style.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

std::string plain(const ShownTable& table) { return page_table(table.head, table.rows); }

std::string soft(const std::string& text) {
  return text.empty() ? "" : "<p class=\"soft\">" + escape_html(text) + "</p>";
}

std::string header(const Comparison& comparison) {
  std::string title;
  for (const auto& run : comparison.runs) title += (title.empty() ? "" : ", ") + run.label;
  const auto count = with_commas(comparison.runs.size()) + " runs";
  const auto kinds =
      comparison.grouped() ? " of " + with_commas(comparison.groups.size()) + " settings" : "";
  return "<header><div class=\"eyebrow\">Atoll run report</div><h1>" + count + kinds +
         "</h1><p class=\"sub\">" + escape_html(shortened(title, 400)) + "</p>" +
         page_notes(comparison.notes) + "</header>\n";
}

std::string outcome(const Comparison& comparison) {
  auto out = plain(outcome_table(comparison));
  std::string words;
  if (comparison.target) {
    words = "Rounds and bytes until the first evaluation at " + percent(*comparison.target) +
            " or above: " + comparison.target_rule + ". ";
  } else {
    words = "No run has an accuracy, so there is no target to reach. ";
  }
  if (comparison.grouped()) {
    words +=
        "Runs that differ in nothing but seed, name and the partition drawn from the seed are one "
        "row: mean ± standard deviation over n runs.";
  }
  out += soft(words);
  if (comparison.grouped()) {
    out += "<details><summary>Every run by itself</summary>" + plain(run_table(comparison)) +
           "</details>";
  }
  return out;
}

std::string curves(const Comparison& comparison) {
  std::string out = "<div class=\"charts\">";
  for (const auto& figure : figures_of(comparison)) out += draw(figure);
  out += "</div>";
  if (figures_leave_some_out(comparison)) {
    out += soft("The " + std::to_string(kMostSeries) +
                " with the best accuracy are drawn; the table has them all.");
  }
  return out;
}

std::string differences(const Comparison& comparison) {
  const auto same =
      "Same in all: " + with_commas(comparison.same) + (comparison.same == 1 ? " key." : " keys.");
  if (comparison.differences.empty()) return soft("No key differs. " + same);
  return plain(difference_table(comparison)) + soft(same);
}

}  // namespace

std::string render_page(const Comparison& comparison) {
  return page_head(with_commas(comparison.runs.size()) + " runs – Atoll run report") +
         header(comparison) + page_section("Outcome", outcome(comparison)) +
         page_section("Curves", curves(comparison)) +
         page_section("What was set differently", differences(comparison)) +
         "<footer>Test figures are sums over the clients' test data, for the global model after "
         "the "
         "round (round 0: the initial model). Traffic is what the server counted for the updates "
         "that went into its models, down and up. A band is one standard deviation to both sides "
         "of the mean. Time is of the whole run where it says so, else the sum over its "
         "rounds.</footer>\n</main>\n</body>\n</html>\n";
}

}  // namespace atl::workbench
