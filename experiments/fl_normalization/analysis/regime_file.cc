// The map as JSON (regimes.h).
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/fl_normalization/analysis/regimes.h"
#include "experiments/report/fields.h"

namespace atl::study {
namespace {

using Json = nlohmann::ordered_json;
constexpr auto number = workbench::json_number;

struct Number {
  const char* name;
  double Regime::*field;
};
constexpr Number kNumbers[] = {{"local_epochs", &Regime::local_epochs},
                               {"local_steps", &Regime::local_steps},
                               {"images", &Regime::images},
                               {"skew", &Regime::skew},
                               {"effective_classes", &Regime::effective_classes},
                               {"norm_slots", &Regime::depth},
                               {"ECS_bn", &Regime::ecs},
                               {"M_bn", &Regime::mismatch},
                               {"norm_spread_bn", &Regime::norm_spread},
                               {"norm_spread_none", &Regime::norm_spread_none},
                               {"best_acc", &Regime::best}};
struct Against {
  const char* name;
  Difference Regime::*field;
};
constexpr Against kDifferences[] = {
    {"LN_BN", &Regime::ln}, {"GN_BN", &Regime::gn}, {"none_BN", &Regime::none}};

double number_of(const Json& json) { return json.is_null() ? NAN : json.get<double>(); }

Json to(const Regime& regime) {
  Json one{{"cell", Json::parse(to_json(regime.cell))}};
  for (const auto& [name, field] : kNumbers) one[name] = number(regime.*field);
  for (const auto& [name, field] : kDifferences) {
    const auto& d = regime.*field;
    Json points = Json::array();
    for (const double value : d.by_seed) points.push_back(number(value));
    one[name] = {{"by_seed", std::move(points)},
                 {"mean", number(d.mean)},
                 {"low", number(d.interval.low)},
                 {"high", number(d.interval.high)}};
  }
  return one;
}

Result<Regime> regime_from(const Json& json) {
  Regime regime;
  ATOLL_ASSIGN(regime.cell, cell_from_json(json.at("cell").dump()));
  for (const auto& [name, field] : kNumbers) regime.*field = number_of(json.at(name));
  for (const auto& [name, field] : kDifferences) {
    const auto& from = json.at(name);
    auto& d = regime.*field;
    for (const auto& value : from.at("by_seed")) d.by_seed.push_back(number_of(value));
    d.mean = number_of(from.at("mean"));
    d.interval = {number_of(from.at("low")), number_of(from.at("high"))};
  }
  return regime;
}

}  // namespace

std::string to_json(const RegimeMap& map) {
  Json regimes = Json::array();
  for (const auto& regime : map.regimes) regimes.push_back(to(regime));
  return Json{{"regimes", std::move(regimes)}}.dump(1);
}

Result<RegimeMap> map_from_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    std::vector<Regime> regimes;
    for (const auto& one : json.at("regimes")) {
      ATOLL_ASSIGN(auto regime, regime_from(one));
      regimes.push_back(std::move(regime));
    }
    return regime_map(std::move(regimes));
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::kData, std::string("not a map of regimes: ") + error.what());
  }
}

}  // namespace atl::study
