// What a trained model says of examples.
#pragma once

#include <string>
#include <vector>

#include "client/data/dataset.h"
#include "experiments/predict/trained_model.h"
#include "models/script/script_file.h"

namespace atl::workbench {

struct Predictions {
  uint32_t classes = 0;
  std::vector<float> probabilities;  // [examples, classes]: softmax of the scores
  std::vector<uint32_t> best;        // [examples]; a tie goes to the lower class
};

// On the CPU, with one thread, in batches of 256, as clients evaluate. The model's input and
// classes are the data's where the file does not say them. kModel when the file's tensors are not
// those of the model that it names, or the data have another shape; errors of models::make_model().
Result<Predictions> predict(const TrainedModel& model, const models::ScriptFile& script,
                            const data::SharedDataset& examples);

}  // namespace atl::workbench
