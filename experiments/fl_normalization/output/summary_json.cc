// summary.json (study_report.h).
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/fl_normalization/output/study_report.h"
#include "experiments/report/fields.h"

namespace atl::study {
namespace {

using Json = nlohmann::ordered_json;
constexpr auto number = workbench::json_number;

Json numbers(const std::vector<double>& values) {
  auto all = Json::array();
  for (const double value : values) all.push_back(number(value));
  return all;
}

Json to(const Difference& d) {
  return {{"points_by_seed", numbers(d.by_seed)},
          {"mean", number(d.mean)},
          {"low", number(d.interval.low)},
          {"high", number(d.interval.high)},
          {"interval", "95 %, Student's t over seeds"}};
}

Json to(const Setting& setting) {
  Json methods = Json::object();
  for (const auto& row : setting.methods) {
    Json one{{"seeds", row.runs.size()},
             {"failed", row.failed},
             {"final", numbers(row.of(&RunFigures::final))},
             {"best", numbers(row.of(&RunFigures::best))},
             {"area", numbers(row.of(&RunFigures::area))},
             {"N_eff_over_K", numbers(row.of(&RunFigures::n_eff))},
             {"OI", numbers(row.of(&RunFigures::oi))},
             {"ECS", numbers(row.of(&RunFigures::ecs))},
             {"M", numbers(row.of(&RunFigures::mismatch))},
             {"norm_spread", numbers(row.of(&RunFigures::norm_spread))}};
    Json rates = Json::array();
    for (const auto* run : row.runs) rates.push_back(run->cell.rate);
    one["lr"] = rates;
    if (row.method != "bn(all)") one["against_bn"] = to(setting.difference(row.method, "bn(all)"));
    methods[row.method] = std::move(one);
  }
  return {{"setting", setting.name}, {"methods", std::move(methods)}};
}

Json to(const Obliteration& o) {
  const auto of = [](const Difference& d) {
    return Json{{"mean", number(d.mean)},
                {"low", number(d.interval.low)},
                {"high", number(d.interval.high)}};
  };
  return {{"setting", o.setting->name},
          {"none_minus", o.method},
          {"OI", of(o.oi)},
          {"N_eff_over_K", of(o.n_eff)},
          {"norm_spread", of(o.norm_spread)},
          {"least_Q", of(o.retention)},
          {"obliterated", o.judged}};
}

Json to(const MismatchByMethod& m) {
  return {{"method", m.method},
          {"runs", m.cost.runs},
          {"M", number(m.cost.mean_mismatch)},
          {"lost_to_batch", number(m.cost.lost_to_batch)},
          {"lost_to_recalibrated", number(m.cost.lost_to_recalibrated)},
          {"correlation_batch", number(m.cost.correlation_batch)},
          {"correlation_recalibrated", number(m.cost.correlation_recalibrated)}};
}

Json to(const RegimeMap& map) {
  Json predictors = Json::array();
  for (const auto& p : map.predictors)
    predictors.push_back({{"quantity", p.name},
                          {"before_training", p.before_training},
                          {"regimes", p.regimes},
                          {"separation", number(p.separation)},
                          {"correlation", number(p.correlation)}});
  const auto& rule = map.rule;
  return {{"regimes", map.regimes.size()},
          {"mean_LN_BN", number(map.mean_ln)},
          {"interval", {number(map.interval_ln.low), number(map.interval_ln.high)}},
          {"predictors", std::move(predictors)},
          {"rule",
           {{"fitted", rule.fitted},
            {"text", rule.text},
            {"fitted_on", rule.fitted_on},
            {"fit_errors", rule.fit_errors},
            {"held_out", rule.held_out},
            {"held_out_errors", rule.held_out_errors},
            {"held_out_majority_errors", rule.held_out_majority_errors},
            {"leave_one_out_errors", rule.leave_one_out}}}};
}

}  // namespace

std::string to_json(const StudyReport& report) {
  Json all{
      {"experiment", "fl-normalization"},
      {"tier", report.plan.tier},
      {"headlines", headlines(report)},
      {"done", report.done()},
      {"missing", report.missing()},
      {"speeds", report.plan.speeds},
      {"rates", report.rates},
      {"grid", report.plan.grid},
      {"seconds", report.seconds},
      {"train_share", number(report.seconds > 0 ? report.train_seconds / report.seconds : NAN)},
      {"images_per_second",
       number(report.train_seconds > 0 ? report.images / report.train_seconds : NAN)}};
  for (const auto& setting : report.settings) all["settings"].push_back(to(setting));
  for (const auto& v : report.verdicts)
    all["verdicts"].push_back(
        {{"id", v.id}, {"claim", v.claim}, {"judged", v.judged}, {"numbers", v.numbers}});
  for (const auto& o : report.obliterations) all["obliteration"].push_back(to(o));
  for (const auto& m : report.mismatch_costs) all["mismatch"].push_back(to(m));
  all["map"] = to(report.map);
  return all.dump();
}

}  // namespace atl::study
