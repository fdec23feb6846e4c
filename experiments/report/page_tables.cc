#include "experiments/report/page_tables.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/report/svg_chart.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

constexpr size_t kMostClients = 500;
constexpr size_t kMostHeatRows = 200, kMostHeatColumns = 200, kNumbersUpToColumns = 20;
constexpr size_t kMostRefusals = 100, kLongestReason = 400;
constexpr size_t kMostRounds = 1000;

std::string cell(const std::string& content) { return "<td>" + content + "</td>"; }
std::string number(const MaybeNumber& value, int decimals) {
  return value ? fixed(*value, decimals) : "–";
}
std::string share(const MaybeNumber& value) { return value ? fixed(*value * 100, 1) : "–"; }

std::string cut_note(size_t shown, size_t all, const char* what) {
  if (shown >= all) return "";
  return "<p class=\"soft\">The first " + with_commas(shown) + " of " + with_commas(all) + " " +
         what + "; metrics.jsonl has them all.</p>";
}

struct ClientRow {
  std::string name;
  uint64_t train = 0, test = 0;
  const std::vector<ClientLine>* lines = nullptr;
  size_t refusals = 0;
};

// Everyone that any file of the run names.
std::vector<ClientRow> client_rows(const RunRecord& run) {
  std::map<std::string, ClientRow> by_name;
  for (const auto& client : run.clients) {
    auto& row = by_name[client.name];
    row.train = client.train_examples;
    row.test = client.test_examples;
  }
  for (const auto& [name, lines] : run.metrics.clients) {
    auto& row = by_name[name];
    row.lines = &lines;
    if (row.train == 0 && !lines.empty()) row.train = lines.back().examples;
  }
  for (const auto& refusal : run.metrics.refusals) ++by_name[refusal.client].refusals;
  std::vector<ClientRow> rows;
  for (auto& [name, row] : by_name) {
    row.name = name;
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(),
            [](const ClientRow& a, const ClientRow& b) { return natural_less(a.name, b.name); });
  return rows;
}

struct ClientColumns {
  bool test = false, accuracy = false, refusals = false;
};

std::string client_row(const ClientRow& row, const ClientColumns& columns) {
  static const std::vector<ClientLine> none;
  const auto& lines = row.lines != nullptr ? *row.lines : none;
  double seconds = 0, norm_sum = 0;
  size_t norms = 0;
  uint64_t down = 0, up = 0;
  std::vector<ChartPoint> losses;
  for (const auto& line : lines) {
    seconds += line.seconds.value_or(0);
    if (line.update_norm) norm_sum += *line.update_norm, ++norms;
    down += line.bytes_down;
    up += line.bytes_up;
    losses.push_back({static_cast<double>(line.round), line.train_loss.value_or(NAN)});
  }
  const ClientLine* last = lines.empty() ? nullptr : &lines.back();
  std::string out = "<tr><th scope=\"row\">" + escape_html(shortened(row.name, 80)) + "</th>" +
                    cell(with_commas(lines.size())) + cell(with_commas(row.train));
  if (columns.test) out += cell(with_commas(row.test));
  out += cell(draw_spark(losses)) + cell(last != nullptr ? number(last->train_loss, 4) : "–") +
         cell(norms > 0 ? compact(norm_sum / static_cast<double>(norms)) : "–") +
         cell(lines.empty() ? "–" : human_seconds(seconds)) +
         cell(human_bytes(static_cast<double>(down))) + cell(human_bytes(static_cast<double>(up)));
  if (columns.accuracy) {
    out += cell(last != nullptr
                    ? share(last->accuracy_before) + " → " + share(last->accuracy_after) + " %"
                    : "–");
  }
  if (columns.refusals) out += cell(row.refusals > 0 ? with_commas(row.refusals) : "–");
  return out + "</tr>";
}

}  // namespace

std::string client_table(const RunRecord& run) {
  const auto rows = client_rows(run);
  if (rows.empty()) return "";
  ClientColumns columns;
  for (const auto& row : rows) {
    columns.test = columns.test || row.test > 0;
    columns.refusals = columns.refusals || row.refusals > 0;
    const bool measured = row.lines != nullptr &&
                          (row.lines->back().accuracy_before || row.lines->back().accuracy_after);
    columns.accuracy = columns.accuracy || measured;
  }
  const size_t shown = std::min(rows.size(), kMostClients);
  std::string out = "<div class=\"scroll\"><table>";
  out += "<thead><tr><th>Client</th><th>Rounds</th><th>Train<br>examples</th>";
  if (columns.test) out += "<th>Test<br>examples</th>";
  out +=
      "<th>Loss by<br>round</th><th>Last<br>loss</th><th>Mean<br>norm</th>"
      "<th>Training<br>time</th><th>Received</th><th>Sent</th>";
  if (columns.accuracy) out += "<th>Last accuracy<br>before → after</th>";
  if (columns.refusals) out += "<th>Refusals</th>";
  out += "</tr></thead><tbody>";
  for (size_t i = 0; i < shown; ++i) out += client_row(rows[i], columns);
  return out + "</tbody></table></div>" + cut_note(shown, rows.size(), "clients");
}

std::string partition_table(const RunRecord& run) {
  const auto& table = run.partition.table;
  if (table.empty()) return "";
  const size_t classes = table[0].size();
  const size_t rows = std::min(table.size(), kMostHeatRows);
  const size_t columns = std::min(classes, kMostHeatColumns);
  const bool tight = columns > kNumbersUpToColumns;
  uint64_t most = 1;
  std::vector<uint64_t> sums(classes, 0);
  for (const auto& row : table) {
    for (size_t c = 0; c < classes; ++c) {
      most = std::max(most, row[c]);
      sums[c] += row[c];
    }
  }
  std::string out =
      std::string("<div class=\"scroll\"><table class=\"heat") + (tight ? " tight" : "") + "\">";
  if (!tight) {
    out += "<thead><tr><th>Client</th>";
    for (size_t c = 0; c < columns; ++c) out += "<th>" + std::to_string(c) + "</th>";
    out += "<th class=\"total\">All</th></tr></thead>";
  }
  out += "<tbody>";
  for (size_t r = 0; r < rows; ++r) {
    out += "<tr><th scope=\"row\">" + std::to_string(r) + "</th>";
    uint64_t total = 0;
    for (const uint64_t n : table[r]) total += n;
    for (size_t c = 0; c < columns; ++c) {
      const uint64_t n = table[r][c];
      const auto level =
          static_cast<int>(std::ceil(10 * static_cast<double>(n) / static_cast<double>(most)));
      out += n == 0 ? "<td class=\"z\"" : "<td class=\"h" + std::to_string(level) + "\"";
      if (tight) {
        out += " title=\"client " + std::to_string(r) + ", class " + std::to_string(c) + ": " +
               with_commas(n) + "\"></td>";
      } else {
        out += ">" + with_commas(n) + "</td>";
      }
    }
    out += "<td class=\"total\">" + with_commas(total) + "</td></tr>";
  }
  out += "</tbody>";
  if (!tight) {
    uint64_t all = 0;
    out += "<tfoot><tr><th scope=\"row\">All</th>";
    for (size_t c = 0; c < classes; ++c) all += sums[c];
    for (size_t c = 0; c < columns; ++c) out += cell(with_commas(sums[c]));
    out += "<td class=\"total\">" + with_commas(all) + "</td></tr></tfoot>";
  }
  out +=
      "</table></div><p class=\"soft\">Examples of each class (columns) that each client (rows) "
      "holds; a stronger colour is more, the strongest is " +
      with_commas(most) + ".";
  if (rows < table.size() || columns < classes) {
    out += " The first " + with_commas(rows) + " of " + with_commas(table.size()) +
           " clients and " + with_commas(columns) + " of " + with_commas(classes) + " classes.";
  }
  return out + "</p>";
}

std::string refusal_table(const RunRecord& run) {
  struct Group {
    size_t count = 0;
    uint32_t first = 0, last = 0;
  };
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const auto& refusal : run.metrics.refusals) {
    auto& group = groups[{refusal.client, refusal.reason}];
    if (group.count++ == 0) group.first = group.last = refusal.round;
    group.first = std::min(group.first, refusal.round);
    group.last = std::max(group.last, refusal.round);
  }
  if (groups.empty()) return "";
  const size_t shown = std::min(groups.size(), kMostRefusals);
  std::string out =
      "<div class=\"scroll\"><table><thead><tr><th>Client</th><th "
      "class=\"left\">Reason</th><th>Times</th>"
      "<th>Rounds</th></tr></thead><tbody>";
  size_t i = 0;
  for (const auto& [key, group] : groups) {
    if (i++ == shown) break;
    const auto first = std::to_string(group.first), last = std::to_string(group.last);
    out += "<tr><th scope=\"row\">" + escape_html(shortened(key.first, 80)) +
           "</th><td class=\"left wrap\">" + escape_html(shortened(key.second, kLongestReason)) +
           "</td>" + cell(with_commas(group.count)) +
           cell(group.first == group.last ? first : first + "–" + last) + "</tr>";
  }
  return out + "</tbody></table></div>" + cut_note(shown, groups.size(), "kinds of refusal");
}

std::string round_table(const RunRecord& run) {
  const auto& rounds = run.metrics.rounds;
  if (rounds.empty()) return "";
  std::map<uint32_t, const EvaluationLine*> evaluated;
  for (const auto& line : run.metrics.evaluations) evaluated[line.round] = &line;
  const size_t every = (rounds.size() + kMostRounds - 1) / kMostRounds;
  std::string out = "<div class=\"scroll\"><table>";
  out +=
      "<thead><tr><th>Round</th><th>Clients</th><th>Examples</th><th>Train loss</th>"
      "<th>Update norm</th><th>Test accuracy</th><th>Test loss</th><th>Time</th><th>Down</th>"
      "<th>Up</th><th>Model SHA-256</th></tr></thead><tbody>";
  for (size_t i = 0; i < rounds.size(); ++i) {
    if (i % every != 0 && i + 1 != rounds.size()) continue;
    const auto& line = rounds[i];
    const auto found = evaluated.find(line.round);
    const auto* test = found == evaluated.end() ? nullptr : found->second;
    out += "<tr>" + cell(std::to_string(line.round)) + cell(with_commas(line.clients)) +
           cell(with_commas(line.examples)) + cell(number(line.train_loss, 4)) +
           cell(line.update_norm ? compact(*line.update_norm) : "–") +
           cell(test != nullptr ? percent(test->accuracy) : "–") +
           cell(test != nullptr ? number(test->loss, 4) : "–") + cell(human_seconds(line.seconds)) +
           cell(human_bytes(static_cast<double>(line.bytes_down))) +
           cell(human_bytes(static_cast<double>(line.bytes_up))) + "<td class=\"mono\">" +
           escape_html(shortened(line.model_sha256, 12)) + "</td></tr>";
  }
  out += "</tbody></table></div>";
  if (every > 1) {
    out += "<p class=\"soft\">One round of " + std::to_string(every) +
           "; metrics.jsonl has them all.</p>";
  }
  return out;
}

}  // namespace atl::workbench
