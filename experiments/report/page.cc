#include "experiments/report/page.h"

#include "experiments/report/figures.h"
#include "experiments/report/page_parts.h"
#include "experiments/report/page_style.h"
#include "experiments/report/page_tables.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

std::string tile(const char* what, const std::string& value, const std::string& more,
                 bool lead = false) {
  return std::string("<div class=\"tile") + (lead ? " lead" : "") + "\"><span>" + what +
         "</span><b>" + value + "</b><small>" + more + "</small></div>";
}

// "lenet with gn:2 · fashion-mnist · 4 clients, dirichlet(0.5) · finished 2026-01-05 12:00 UTC"
std::string subtitle(const RunRecord& run) {
  std::vector<std::string> parts;
  if (!run.model_name.empty()) {
    const bool norm = !run.model_norm.empty() && run.model_norm != "none";
    parts.push_back(run.model_name + (norm ? " with " + run.model_norm : ""));
  }
  for (const auto& [key, value] : run.data) {
    if (key == "set") parts.push_back(value);
  }
  const size_t clients = run.metrics.clients.size();
  std::string who = clients == 1 ? "1 client" : with_commas(clients) + " clients";
  if (!run.partition.scheme.empty()) {
    who += ", " + run.partition.scheme;
    if (run.partition.alpha) who += "(" + compact(*run.partition.alpha) + ")";
  }
  if (clients > 0 || !run.partition.scheme.empty()) parts.push_back(who);
  std::string when = run.metrics.last_time;
  if (when.size() == 20) when = when.substr(0, 10) + " " + when.substr(11, 5) + " UTC";
  const bool finished = run.state == "finished";
  if (finished) parts.push_back("finished" + (when.empty() ? "" : " " + when));
  if (!finished && !when.empty()) parts.push_back("not finished, last heard of " + when);
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : " · ") + escape_html(part);
  return out;
}

std::string header(const RunRecord& run) {
  std::string out = "<header><div class=\"eyebrow\">Atoll run report</div><h1>" +
                    escape_html(run.name) + "</h1><p class=\"sub\">" + subtitle(run) + "</p>";
  out += "<div class=\"tiles\">";
  if (const auto* last = run.final_evaluation()) {
    std::string of = "round " + std::to_string(last->round);
    if (last->examples > 0)
      of = with_commas(last->correct) + " of " + with_commas(last->examples) + " correct";
    out += tile("Final test accuracy", percent(last->accuracy), of, true);
    const auto* best = run.best_evaluation();
    out += tile("Best test accuracy", percent(best->accuracy),
                "after round " + std::to_string(best->round));
  } else {
    out += tile("Final test accuracy", "–", "nothing was evaluated");
  }
  const std::string of =
      run.total_rounds > 0 ? "of " + with_commas(run.total_rounds) + " asked for" : "";
  out += tile("Rounds", with_commas(run.round), of);
  out += tile("Time", run.seconds > 0 ? human_seconds(run.seconds) : "–",
              run.seconds == 0     ? ""
              : run.seconds_is_sum ? "sum over rounds"
                                   : "whole run");
  out += tile("Traffic", human_bytes(static_cast<double>(run.bytes_down() + run.bytes_up())),
              "↓ " + human_bytes(static_cast<double>(run.bytes_down())) + " ↑ " +
                  human_bytes(static_cast<double>(run.bytes_up())));
  out += "</div>";
  if (!run.model_sha256.empty()) {
    out += "<p class=\"soft\">Model SHA-256 <span class=\"mono\">" + escape_html(run.model_sha256) +
           "</span></p>";
  }
  return out + page_notes(run.notes) + "</header>\n";
}

std::string curves(const RunRecord& run) {
  if (run.metrics.rounds.empty() && run.metrics.evaluations.empty())
    return "<p class=\"none\">No round was closed yet.</p>";
  std::string out = "<div class=\"charts\">";
  for (const auto& figure : figures_of(run)) out += draw(figure);
  out += "</div>";
  const auto table = round_table(run);
  if (!table.empty())
    out += "<details><summary>The rounds as a table</summary>" + table + "</details>";
  return out;
}

// The tables of the file as blocks, so that a wide page sets them in columns.
std::string configuration(const RunRecord& run) {
  if (run.config.empty()) return "";
  std::string out = "<div class=\"config\"><pre>";
  std::string_view rest = run.config;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    if (line[0] == '[') {
      out += "</pre><pre><span class=\"k\">" + escape_html(line) + "</span>\n";
    } else {
      out += escape_html(line) + "\n";
    }
  }
  return out + "</pre></div>";
}

void add_fact(std::string& out, const std::string& key, const std::string& value,
              bool mono = false) {
  if (value.empty()) return;
  out += "<dt>" + escape_html(key) + "</dt><dd" + (mono ? " class=\"mono\"" : "") + ">" +
         escape_html(value) + "</dd>";
}

std::string list(const std::string& facts) { return facts.empty() ? "" : "<dl>" + facts + "</dl>"; }

std::string hashes(const RunRecord& run) {
  std::string out;
  add_fact(out, "model", run.model_sha256, true);
  add_fact(out, "configuration", run.config_sha256, true);
  for (const auto& [key, value] : run.data) {
    if (key == "sha256") add_fact(out, "data", value, true);
  }
  add_fact(out, "partition", run.partition.sha256, true);
  for (const auto& checkpoint : run.checkpoints) {
    add_fact(out, "checkpoint of round " + std::to_string(checkpoint.round),
             (checkpoint.data_sha256.empty() ? "unknown" : checkpoint.data_sha256) + " (" +
                 human_bytes(static_cast<double>(checkpoint.bytes)) + ")",
             true);
  }
  if (!out.empty()) {
    out = list(out) +
          "<p class=\"soft\">A model's hash is of the tensors in its safetensors file, without the "
          "header; the same seed, configuration and data give the same hash.</p>";
  }
  return out;
}

std::string environment(const RunRecord& run) {
  std::string out;
  add_fact(out, "command", run.command, true);
  for (const auto& [key, value] : run.data) {
    if (key != "sha256") add_fact(out, key == "set" ? "data set" : "data " + key, value);
  }
  for (const auto& [key, value] : run.environment) add_fact(out, key, value);
  return list(out);
}

}  // namespace

std::string render_page(const RunRecord& run) {
  std::string out = page_head(run.name + " – Atoll run report");
  out += header(run);
  out += page_section("Curves", curves(run));
  out += page_section("Clients", client_table(run));
  out += page_section("Partition", partition_table(run));
  out += page_section("Refusals", refusal_table(run));
  out += page_section("Configuration", configuration(run));
  out += page_section("Hashes", hashes(run));
  out += page_section("Environment", environment(run));
  out +=
      "<footer>Test figures are sums over the clients' test data, for the global model after the "
      "round (round 0: the initial model). Loss and norm of a round are means over the updates "
      "that went into its model, the loss weighted by examples. Bytes are as the server counted "
      "them for those updates. Gaps in a curve are values that were not finite.</footer>\n"
      "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace atl::workbench
