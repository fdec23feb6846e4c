// How fast this machine trains each model and norm of a tier, with all workers busy: what the plan
// is cut by.
#pragma once

#include <functional>

#include "experiments/fl_normalization/run/study_data.h"
#include "experiments/fl_normalization/study/plan.h"

namespace atl::study {

// Trains on random batches of the tier's set for about tier.probe_seconds each, `workers` of them
// at once. `say` hears each figure. kConfig where a model or norm is unknown.
Result<Speeds> measure_speeds(const Tier& tier, StudyData& data, uint32_t workers,
                              const std::string& device,
                              const std::function<void(const std::string&)>& say);

}  // namespace atl::study
