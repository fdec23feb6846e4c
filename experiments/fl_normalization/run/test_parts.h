// Which test images a study looks at, and for what. The parts are the same in every cell of a data
// set, so that differences between cells are not differences between images.
#pragma once

#include "client/data/dataset.h"
#include "common/core/result.h"

namespace atl::study {

struct TestParts {
  data::Indices probe;   // X_pub: 512, for features and recalibration; never evaluated on
  data::Indices scored;  // 1,000, for the metrics that need a model's accuracy per class
  data::Indices some;    // 2,000, with those: for the curve
  data::Indices all;     // all but the probe images: for the last five evaluations
};

// Fewer where the test part is small, in the same proportions.
Result<TestParts> make_test_parts(const data::Dataset& test);

// At most `most` of a part's images of the marked classes, the same for every client that holds
// these classes.
data::Indices of_classes(const data::Dataset& test, const data::Indices& part,
                         const std::vector<bool>& classes, size_t most);

}  // namespace atl::study
