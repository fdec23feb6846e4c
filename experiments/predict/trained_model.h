// A trained model as its file tells it: what to build, and the values.
#pragma once

#include <string>

#include "common/core/result.h"
#include "common/tensor/safetensors.h"
#include "common/wire/task.h"

namespace atl::workbench {

struct TrainedModel {
  std::string path;
  SafetensorsFile file;
  wire::ModelSpec spec;  // input empty and classes 0 where the run left them to the data
  std::string policy;    // of the run
};

// `path`: a model file, or the folder that `atoll-server export` made. A checkpoint within a run's
// folder says no more than its round, so the run's config.toml is read too. kIo when there is no
// such file; kModel when it is damaged, or says neither what it is nor lies in a run's folder.
Result<TrainedModel> open_trained(const std::string& path);

// A sentence for people when the run's policy left tensors with the clients that this model needs;
// else empty.
std::string warning_of(const TrainedModel& model);

}  // namespace atl::workbench
