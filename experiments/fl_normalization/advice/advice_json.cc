// Advice as JSON (advice.h).
#include <nlohmann/json.hpp>

#include "experiments/fl_normalization/advice/advice.h"
#include "experiments/report/fields.h"

namespace atl::study {
std::string to_json(const Federation& f, const Advice& advice) {
  nlohmann::ordered_json all{{"federation",
                              {{"clients", f.clients},
                               {"images", f.images},
                               {"skew", f.skew},
                               {"effective_classes", f.effective_classes},
                               {"local_epochs", f.local_epochs},
                               {"local_steps", f.local_steps},
                               {"norm_slots", f.norm_slots}}},
                             {"norms", advice.norms},
                             {"bn_policy", advice.policy},
                             {"why", advice.why},
                             {"careful", advice.careful}};
  for (const auto& n : advice.neighbours)
    all["measured"].push_back({{"setting", n.regime->cell.setting()},
                               {"distance", n.distance},
                               {"LN_BN", workbench::json_number(n.regime->ln.mean)},
                               {"none_BN", workbench::json_number(n.regime->none.mean)}});
  return all.dump();
}

}  // namespace atl::study
