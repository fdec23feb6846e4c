#include "experiments/report/comparison_figures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "common/numeric/mean.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

constexpr size_t kLongestValue = 40;

using CurveOf = std::vector<ChartPoint> (*)(const RunRecord&);

std::vector<ChartPoint> accuracy_curve(const RunRecord& run) {
  return curve<EvaluationLine>(run.metrics.evaluations, [](const auto& l) { return l.accuracy; });
}
std::vector<ChartPoint> loss_curve(const RunRecord& run) {
  return curve<EvaluationLine>(run.metrics.evaluations,
                               [](const auto& l) { return l.loss.value_or(NAN); });
}
std::vector<ChartPoint> train_loss_curve(const RunRecord& run) {
  return curve<RoundLine>(run.metrics.rounds,
                          [](const auto& l) { return l.train_loss.value_or(NAN); });
}

// The last round whose bytes are known before or at each point of a curve, in one pass.
std::vector<double> bytes_along(const RunRecord& run, const std::vector<ChartPoint>& points) {
  std::vector<double> out;
  const auto& rounds = run.metrics.rounds;
  size_t next = 0;
  double bytes = 0;
  for (const auto& point : points) {
    for (; next < rounds.size() && rounds[next].round <= point.x; ++next)
      bytes += static_cast<double>(rounds[next].bytes_down + rounds[next].bytes_up);
    out.push_back(bytes);
  }
  return out;
}

std::vector<ChartPoint> mean_curve(const Comparison& comparison, const RunGroup& group,
                                   CurveOf curve_of, Unit along) {
  struct Stop {
    std::vector<double> bytes, values;
  };
  std::map<double, Stop> by_round;
  for (const size_t index : group.runs) {
    const auto& run = comparison.runs[index].record;
    const auto points = curve_of(run);
    const auto bytes = bytes_along(run, points);
    for (size_t i = 0; i < points.size(); ++i) {
      by_round[points[i].x].bytes.push_back(bytes[i]);
      by_round[points[i].x].values.push_back(points[i].y);
    }
  }
  std::vector<ChartPoint> out;
  for (const auto& [round, stop] : by_round) {
    if (stop.values.size() < group.runs.size()) continue;
    const double spread = stop.values.size() > 1 ? deviation(stop.values) : 0;
    out.push_back({along == Unit::kRounds ? round : mean(stop.bytes), mean(stop.values),
                   std::isfinite(spread) ? spread : 0});
  }
  return out;
}

// In the order given, but for those that there are too many of.
std::vector<const RunGroup*> groups_to_draw(const Comparison& comparison) {
  std::vector<size_t> order(comparison.groups.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order.size() > kMostSeries) {
    const auto best = [&comparison](size_t group) {
      const double value = spread_of(comparison, comparison.groups[group], best_accuracy).mean;
      return std::isfinite(value) ? value : -1;
    };
    std::stable_sort(order.begin(), order.end(),
                     [&best](size_t a, size_t b) { return best(a) > best(b); });
    order.resize(kMostSeries);
    std::sort(order.begin(), order.end());
  }
  std::vector<const RunGroup*> groups;
  for (const size_t group : order) groups.push_back(&comparison.groups[group]);
  return groups;
}

std::string text_of(double value, Unit unit) {
  if (!std::isfinite(value)) return "–";
  switch (unit) {
    case Unit::kPercent:
      return percent(value);
    case Unit::kBytes:
      return human_bytes(value);
    case Unit::kSeconds:
      return human_seconds(value);
    case Unit::kRounds:
      return value == std::floor(value) ? fixed(value, 0) : fixed(value, 1);
    default:
      return fixed(value, 4);
  }
}

double rounds_done(const ComparedRun& run) { return run.record.round; }

std::string best_of(const ComparedRun& run) {
  const auto* best = run.record.best_evaluation();
  if (best == nullptr) return "–";
  return percent(best->accuracy) + " (round " + std::to_string(best->round) + ")";
}

std::vector<std::string> outcome_head(const Comparison& comparison, const char* second) {
  std::vector<std::string> head{"Run", second, "Rounds", "Final accuracy", "Best accuracy"};
  if (comparison.target) {
    head.push_back("Rounds to " + compact(*comparison.target * 100) + " %");
    head.push_back("Bytes to " + compact(*comparison.target * 100) + " %");
  }
  for (const char* name : {"Final loss", "Traffic", "Time"}) head.emplace_back(name);
  return head;
}

}  // namespace

std::vector<Figure> figures_of(const Comparison& comparison) {
  struct Kind {
    const char* file;
    const char* title;
    CurveOf curve;
    Unit unit;
  };
  const Kind kinds[] = {{"accuracy", "Test accuracy", accuracy_curve, Unit::kPercent},
                        {"loss", "Test loss", loss_curve, Unit::kNumber},
                        {"train-loss", "Training loss", train_loss_curve, Unit::kNumber}};
  const auto groups = groups_to_draw(comparison);
  std::vector<Figure> figures;
  for (const Unit along : {Unit::kRounds, Unit::kBytes}) {
    const bool by_round = along == Unit::kRounds;
    for (const auto& kind : kinds) {
      Figure figure{std::string(kind.file) + (by_round ? "" : "-by-bytes"),
                    kind.title,
                    by_round ? "by round" : "by traffic",
                    {.unit = kind.unit, .along = along, .series = {}}};
      if (kind.unit == Unit::kPercent) figure.chart.ceiling = 1;
      figure.chart.label = figure.title + " " + figure.value;
      for (const auto* group : groups) {
        auto label = group->label;
        if (group->runs.size() > 1) label += " (n = " + std::to_string(group->runs.size()) + ")";
        figure.chart.series.push_back({label, mean_curve(comparison, *group, kind.curve, along)});
      }
      figures.push_back(std::move(figure));
    }
  }
  return figures;
}

bool figures_leave_some_out(const Comparison& comparison) {
  return comparison.groups.size() > kMostSeries;
}

std::string shown(const Comparison& comparison, const RunGroup& group, RunValue value, Unit unit) {
  const auto spread = spread_of(comparison, group, value);
  auto text = text_of(spread.mean, unit);
  if (spread.count > 1) {
    text += " ± ";
    if (spread.deviation == 0) {
      text += "0";
    } else if (unit == Unit::kPercent) {
      text += fixed(spread.deviation * 100, 2);
    } else {
      text += unit == Unit::kRounds ? fixed(spread.deviation, 1) : text_of(spread.deviation, unit);
    }
  }
  if (spread.count > 0 && spread.count < group.runs.size()) {
    text += " (" + std::to_string(spread.count) + " of " + std::to_string(group.runs.size()) + ")";
  }
  return text;
}

ShownTable outcome_table(const Comparison& comparison) {
  ShownTable table{outcome_head(comparison, "n"), {}};
  for (const auto& group : comparison.groups) {
    const auto add = [&](RunValue value, Unit unit) {
      table.rows.back().push_back(shown(comparison, group, value, unit));
    };
    table.rows.push_back({group.label, std::to_string(group.runs.size())});
    add(rounds_done, Unit::kRounds);
    add(final_accuracy, Unit::kPercent);
    add(best_accuracy, Unit::kPercent);
    if (comparison.target) {
      add(rounds_to_target, Unit::kRounds);
      add(bytes_to_target, Unit::kBytes);
    }
    add(final_loss, Unit::kNumber);
    add(traffic, Unit::kBytes);
    add(seconds, Unit::kSeconds);
  }
  return table;
}

ShownTable run_table(const Comparison& comparison) {
  ShownTable table{outcome_head(comparison, "State"), {}};
  for (const auto& run : comparison.runs) {
    std::vector<std::string> row{run.label, run.record.state.empty() ? "–" : run.record.state,
                                 text_of(rounds_done(run), Unit::kRounds),
                                 text_of(final_accuracy(run), Unit::kPercent), best_of(run)};
    if (comparison.target) {
      row.push_back(text_of(rounds_to_target(run), Unit::kRounds));
      row.push_back(text_of(bytes_to_target(run), Unit::kBytes));
    }
    row.push_back(text_of(final_loss(run), Unit::kNumber));
    row.push_back(text_of(traffic(run), Unit::kBytes));
    row.push_back(text_of(seconds(run), Unit::kSeconds));
    table.rows.push_back(std::move(row));
  }
  return table;
}

ShownTable difference_table(const Comparison& comparison) {
  ShownTable table{{"Key"}, {}};
  for (const auto& run : comparison.runs) table.head.push_back(run.label);
  for (const auto& [key, values] : comparison.differences) {
    std::vector<std::string> row{key};
    for (const auto& value : values)
      row.push_back(value.empty() ? "–" : shortened(value, kLongestValue));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace atl::workbench
