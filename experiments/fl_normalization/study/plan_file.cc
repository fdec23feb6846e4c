// plan.json (plan.h).
#include <nlohmann/json.hpp>

#include "experiments/fl_normalization/study/plan.h"

namespace atl::study {
namespace {

nlohmann::json cells_to(const std::vector<Cell>& cells) {
  auto all = nlohmann::json::array();
  for (const auto& cell : cells) all.push_back(nlohmann::json::parse(to_json(cell)));
  return all;
}

Status cells_from(const nlohmann::json& all, std::vector<Cell>& cells) {
  for (const auto& one : all) {
    ATOLL_ASSIGN(auto cell, cell_from_json(one.dump()));
    cells.push_back(std::move(cell));
  }
  return {};
}

}  // namespace

std::string to_json(const StudyPlan& plan) {
  const nlohmann::json all{
      {"tier", plan.tier},       {"budget_minutes", plan.budget_minutes},
      {"workers", plan.workers}, {"grid", plan.grid},
      {"speeds", plan.speeds},   {"tuning", cells_to(plan.tuning)},
      {"reduced", plan.reduced}, {"cells", cells_to(plan.cells)},
  };
  return all.dump(1) + "\n";
}

bool is_of(const StudyPlan& plan, const Tier& tier) {
  const auto again = make_plan(tier, plan.speeds, plan.workers);
  return again.ok() && to_json(*again) == to_json(plan);
}

Result<StudyPlan> plan_from_json(std::string_view text) {
  try {
    const auto all = nlohmann::json::parse(text);
    StudyPlan plan;
    all.at("tier").get_to(plan.tier);
    all.at("budget_minutes").get_to(plan.budget_minutes);
    all.at("workers").get_to(plan.workers);
    all.at("grid").get_to(plan.grid);
    all.at("speeds").get_to(plan.speeds);
    all.at("reduced").get_to(plan.reduced);
    ATOLL_TRY(cells_from(all.at("tuning"), plan.tuning));
    ATOLL_TRY(cells_from(all.at("cells"), plan.cells));
    return plan;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::kData, std::string("not a study's plan: ") + error.what());
  }
}

}  // namespace atl::study
