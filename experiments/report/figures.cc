#include "experiments/report/figures.h"

#include <cmath>

#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

template <typename Line>
std::string last_value(const std::vector<Line>& lines, MaybeNumber Line::*field) {
  if (lines.empty()) return "";
  const auto& value = lines.back().*field;
  return (value ? compact(*value) : "not finite") + " after round " +
         std::to_string(lines.back().round);
}

}  // namespace

std::string draw(const Figure& figure) {
  return "<figure><figcaption><b>" + escape_html(figure.title) + "</b><span>" +
         escape_html(figure.value) + "</span></figcaption>" + draw(figure.chart) + "</figure>\n";
}

std::vector<Figure> figures_of(const RunRecord& run) {
  const auto& rounds = run.metrics.rounds;
  const auto& tests = run.metrics.evaluations;
  const auto per_round = [&rounds](std::function<double(const RoundLine&)> y) {
    return curve<RoundLine>(rounds, y);
  };
  const auto per_test = [&tests](std::function<double(const EvaluationLine&)> y) {
    return curve<EvaluationLine>(tests, y);
  };
  const auto* last = run.final_evaluation();
  double seconds = 0;
  for (const auto& line : rounds) seconds += line.seconds;
  std::vector<Figure> figures;
  figures.push_back(
      {"accuracy",
       "Test accuracy",
       last == nullptr ? ""
                       : percent(last->accuracy) + " after round " + std::to_string(last->round),
       {.unit = Unit::kPercent, .ceiling = 1, .series = {{"accuracy", per_test([](const auto& l) {
                                                            return l.accuracy;
                                                          })}}}});
  figures.push_back(
      {"loss",
       "Test loss",
       last_value(tests, &EvaluationLine::loss),
       {.series = {{"loss", per_test([](const auto& l) { return l.loss.value_or(NAN); })}}}});
  figures.push_back({"train-loss",
                     "Training loss",
                     last_value(rounds, &RoundLine::train_loss),
                     {.series = {{"loss", per_round([](const auto& l) {
                                    return l.train_loss.value_or(NAN);
                                  })}}}});
  figures.push_back({"update-norm",
                     "Mean update norm",
                     last_value(rounds, &RoundLine::update_norm),
                     {.from_zero = true, .series = {{"norm", per_round([](const auto& l) {
                                                       return l.update_norm.value_or(NAN);
                                                     })}}}});
  figures.push_back(
      {"seconds",
       "Seconds per round",
       rounds.empty() ? "" : "mean " + human_seconds(seconds / static_cast<double>(rounds.size())),
       {.unit = Unit::kSeconds,
        .from_zero = true,
        .series = {{"seconds", per_round([](const auto& l) { return l.seconds; })}}}});
  figures.push_back(
      {"bytes",
       "Bytes per round",
       human_bytes(static_cast<double>(run.bytes_down())) + " down, " +
           human_bytes(static_cast<double>(run.bytes_up())) + " up in all",
       {.unit = Unit::kBytes,
        .from_zero = true,
        .series = {
            {"down", per_round([](const auto& l) { return static_cast<double>(l.bytes_down); })},
            {"up", per_round([](const auto& l) { return static_cast<double>(l.bytes_up); })}}}});
  for (auto& figure : figures) figure.chart.label = figure.title + " by round";
  return figures;
}

}  // namespace atl::workbench
